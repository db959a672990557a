"""What is written to Redis: it comes back as it was, or not at all."""

import gzip
import hashlib
import pickle
import tracemalloc
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import errors
from envelope import Failure, etag_of
from errors import GatewayError, UpstreamBlocked
from forms import Forms
from stores import frames
from stores.frames import (
    BadFrame,
    decode,
    decode_failure,
    decode_fence,
    decode_head,
    encode,
    encode_failure,
)
from tests.doubles import make_envelope, make_failure

KEY = 'song:id="a"'
#: As the first release wrote them: whoever changes what is written here must raise SCHEMA.
GOLDEN_FRAME = (
    b"1800000000000000\n949d7bef73b79f6b3eab4e1e808d77ae\n"
    b'{"v":1,"k":"song:id=\\"a\\"","q":"{\\"id\\":\\"a\\"}","st":200,"z":false,"l":7,'
    b'"e":"W/\\"214efeaa7376b718a773f648a49d2850\\"","t":1800000000.0,"o":1800000000.5,'
    b'"u":1800000060.0,"w":1800000240.0,"s":1800000600.0,"d":0.5,"b":60,"n":3,"m":["part"],'
    b'"p":2,"x":["b","c"],"a":0,"i":true}\n"value"'
)
GOLDEN_GZIP_FRAME = (
    b"1800000000000000\nf0b7d7cbce2a713ed1c59e0db6390860\n"
    b'{"v":1,"k":"k","q":"{\\"id\\":\\"a\\"}","st":200,"z":true,"l":604,"e":"W/\\"e\\"",'
    b'"t":1800000000.0,"o":1800000000.5,"u":1800000060.0,"w":1800000240.0,"s":1800000600.0,'
    b'"d":0.5,"b":60,"n":3,"m":["part"],"p":2,"x":["b","c"],"a":0,"i":true}\n'
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x8bV\xaa\x18\x05\xa3\x80\x06@)\x16\x00\xac]\xf1#"
    b"\\\x02\x00\x00"
)
GOLDEN_FAILURE = (
    b"1800000090000000 1800000089500000 37dfdbdd61a1bc6c551f0fd939573481 "
    b'{"v":1,"k":"song:id=\\"a\\"","kind":"UpstreamBlocked","detail":"Wait.","asked":90.0,"n":3,'
    b'"implausible":0}'
)
ENVELOPE = make_envelope(
    KEY, fresh=60, stale=600, cost=0.5, fence="1800000000000000", asked='{"id":"a"}', items=3,
    missing=("part",), partials=2, left_out=("b", "c"),
)  # fmt: skip
FAILURE = Failure(
    error=UpstreamBlocked("Wait.", retry_after_sec=90.0),
    count=3,
    retry_at=1_800_000_090.0,
    refuse_until=1_800_000_089.5,
)

seconds = st.floats(min_value=0, max_value=4e9)
counts = st.integers(0, 2**31 - 1)
texts = st.text(max_size=40)
bodies = st.binary(max_size=3000) | st.binary(min_size=1, max_size=9).map(lambda some: some * 900)


@st.composite
def envelopes(draw):
    body = draw(bodies)
    return replace(
        make_envelope(draw(st.text(min_size=1, max_size=40))),
        status=draw(st.sampled_from((200, 404))),
        forms=draw(st.sampled_from((Forms.of(body), Forms.of_once(body)))),
        etag=draw(st.sampled_from(("", etag_of(body)))),
        fence=draw(st.integers(0, 10**16 - 1).map(lambda number: f"{number:016d}")),
        asked=draw(texts),
        fetched_at=draw(seconds), fresh_until=draw(seconds), revalidate_until=draw(seconds),
        stale_until=draw(seconds), loaded_at=draw(seconds), cost_sec=draw(seconds),
        ttl_sec=draw(seconds), items=draw(counts), partials=draw(counts), strikes=draw(counts),
        missing=tuple(draw(st.lists(texts, max_size=3))),
        left_out=tuple(draw(st.lists(texts, max_size=3))),
        is_proven=draw(st.booleans()),
    )  # fmt: skip


@given(envelopes())
def test_an_envelope_comes_back_as_it_was(envelope):
    assert decode(envelope.key, encode(envelope)) == envelope.with_early_window()


@given(envelopes())
def test_a_head_is_the_envelope_without_its_body(envelope):
    start = encode(envelope)[:2048]

    head = decode_head(envelope.key, start)

    if head is not None:
        whole = envelope.with_early_window()
        assert head == replace(whole, forms=Forms.of(b""))


def test_a_head_that_goes_on_beyond_what_was_read_is_none():
    assert decode_head(KEY, encode(ENVELOPE)[:100]) is None
    with pytest.raises(BadFrame):
        decode_head("another", encode(ENVELOPE))


@pytest.mark.parametrize("kind", frames.KINDS.values())
@given(text=texts, count=counts, asked=st.none() | seconds, retry=seconds, refuse=seconds)
def test_a_failure_comes_back_as_it_was(kind, text, count, asked, retry, refuse):
    error = kind(text)
    error.asked_wait_sec = asked
    failure = Failure(
        error=error, count=count, retry_at=retry, refuse_until=refuse, implausible=count
    )

    told = decode_failure(KEY, encode_failure(KEY, failure))

    assert type(told.error) is kind
    assert (told.error.detail, told.error.asked_wait_sec) == (error.detail, asked)
    assert (told.count, told.implausible) == (count, count)
    assert told.retry_at == pytest.approx(retry, abs=2e-6)
    assert told.refuse_until == pytest.approx(refuse, abs=2e-6)


def test_what_is_written_is_what_was_always_written():
    assert encode(ENVELOPE) == GOLDEN_FRAME
    assert encode_failure(KEY, FAILURE) == GOLDEN_FAILURE
    assert frames.SCHEMA == 1


def test_what_was_ever_written_stays_readable():
    assert decode(KEY, GOLDEN_FRAME) == ENVELOPE.with_early_window()
    packed = decode("k", GOLDEN_GZIP_FRAME)
    assert packed.body == b'["' + b"x" * 600 + b'"]'
    assert gzip.decompress(packed.forms.stored[1]) == packed.body
    told = decode_failure(KEY, GOLDEN_FAILURE)
    assert (type(told.error), told.error.asked_wait_sec) == (UpstreamBlocked, 90)
    assert replace(told, error=FAILURE.error) == FAILURE


@pytest.mark.parametrize(
    ("record", "key", "read"),
    [
        (GOLDEN_FRAME, KEY, decode),
        (GOLDEN_GZIP_FRAME, "k", decode),
        (GOLDEN_FAILURE, KEY, decode_failure),
    ],
    ids=("frame", "gzip frame", "failure"),
)
def test_every_damaged_byte_and_every_truncation_is_found_out(record, key, read):
    for place, byte in enumerate(record):
        for other in {byte ^ 1, byte ^ 0x80, 0, 10, 32, ord("9")} - {byte}:
            with pytest.raises(BadFrame):
                read(key, record[:place] + bytes((other,)) + record[place + 1 :])
        with pytest.raises(BadFrame):
            read(key, record[:place])
        with pytest.raises(BadFrame):
            read(key, record[:place] + b"\n" + record[place:])
    with pytest.raises(BadFrame):
        read(key, record + b" ")


def sealed(meta, body=b"[]", fence=b"1" * 16):
    """A frame whose checksum is right, whatever its meta says."""
    meta = meta if isinstance(meta, bytes) else orjson.dumps(meta)
    return b"\n".join((fence, frames._checksum(fence, meta, body), meta, body))


def meta_of(envelope, **changes):
    return orjson.loads(encode(envelope).split(b"\n", 3)[2]) | changes


def test_the_frames_of_other_keys_and_schemas_are_refused():
    with pytest.raises(BadFrame, match="key or schema"):
        decode("another", GOLDEN_FRAME)
    with pytest.raises(BadFrame, match="key or schema"):
        decode(KEY, sealed(meta_of(ENVELOPE, v=2)))
    with pytest.raises(BadFrame, match="key or schema"):
        decode_failure("another", GOLDEN_FAILURE)


def test_a_frame_that_is_right_is_read_as_one():
    """So that the refusals below are about what they change."""
    assert decode(KEY, sealed(meta_of(ENVELOPE))).body == b"[]"


@pytest.mark.parametrize(
    "changes",
    [
        {"t": "nan"}, {"u": "inf"}, {"w": None}, {"s": [1]}, {"d": {}}, {"b": "1e999"},
        {"st": -1}, {"st": 2**63}, {"n": 2**31}, {"p": 1.5}, {"a": "3"}, {"m": 1}, {"x": None},
    ],
    ids=str,
)  # fmt: skip
def test_times_that_are_none_and_counts_beyond_reason_are_refused(changes):
    with pytest.raises(BadFrame):
        decode(KEY, sealed(meta_of(ENVELOPE, **changes)))


@pytest.mark.parametrize("meta", [b"", b"[]", b"null", b"{}", b"{", b'{"v":1}', b"[" * 5000])
def test_what_is_no_meta_is_refused(meta):
    with pytest.raises(BadFrame):
        decode(KEY, sealed(meta))


@pytest.mark.parametrize("fence", [b"", b"1" * 15, b"1" * 17, b"-" + b"1" * 15, b"x" * 16])
def test_a_fence_that_no_fence_can_be_compared_with_is_refused(fence):
    with pytest.raises(BadFrame):
        decode(KEY, sealed(meta_of(ENVELOPE), fence=fence))
    with pytest.raises(BadFrame):
        decode_fence(fence)


def test_nothing_that_runs_is_ever_read():
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it ran",))

    pickled = pickle.dumps(Trap())
    for record in (pickled, b"!" + pickled, b"1" * 16 + b"\n" + pickled, sealed(b"{}", pickled)):
        with pytest.raises(BadFrame):
            decode(KEY, record)
        with pytest.raises(BadFrame):
            decode_failure(KEY, record)


@pytest.mark.parametrize("claimed", [7, 10**6 - 1, 10**6 + 1, 2**40, -1, None, "7", 1e6])
def test_a_body_is_as_long_as_it_says_or_is_not_unpacked(claimed):
    bomb = gzip.compress(b"0" * 10**6, mtime=0)
    with pytest.raises(BadFrame):
        decode(KEY, sealed(meta_of(ENVELOPE, z=True, l=claimed), bomb))


def test_a_bomb_does_not_go_off(monkeypatch):
    bomb = gzip.compress(b"0" * 20_000_000, 1, mtime=0)
    liar = sealed(meta_of(ENVELOPE, z=True, l=7), bomb)
    monkeypatch.setattr(frames, "LONGEST_BODY_BYTES", 1_000_000)
    honest = sealed(meta_of(ENVELOPE, z=True, l=20_000_000), bomb)

    tracemalloc.start()
    for frame in (liar, honest):
        with pytest.raises(BadFrame, match="length"):
            decode(KEY, frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


@pytest.mark.parametrize("spoil", [lambda gz: gz[:-1], lambda gz: gz + b"x", lambda gz: gz[:-8]])
def test_a_gzip_form_that_no_client_could_read_is_refused(spoil):
    """It is served as it is."""
    body = b"0" * 1000
    frame = sealed(meta_of(ENVELOPE, z=True, l=1000), spoil(gzip.compress(body, mtime=0)))
    with pytest.raises(BadFrame):
        decode(KEY, frame)


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda some: b"1" * 16 + b"\n" + some))
def test_whatever_lies_there_raises_nothing_but_that_it_is_bad(junk):
    for read in (decode, decode_failure):
        with pytest.raises(BadFrame):
            read(KEY, junk)


def failure_record(told, retry=b"1" * 16, refuse=b"1" * 16):
    text = orjson.dumps(told)
    return b" ".join((retry, refuse, frames._checksum(retry, refuse, text), text))


@pytest.mark.parametrize(
    "changes",
    [{"kind": "Nothing"}, {"kind": []}, {"asked": "inf"}, {"n": -1}, {"implausible": 2**40}],
    ids=str,
)
def test_a_failure_that_nobody_could_have_is_refused(changes):
    told = orjson.loads(GOLDEN_FAILURE.split(b" ", 3)[3])
    assert decode_failure(KEY, failure_record(told))
    with pytest.raises(BadFrame):
        decode_failure(KEY, failure_record(told | changes))


@pytest.mark.parametrize("moment", [b"9" * 400, b"+123456789012345", b"", b"1e15            "])
def test_a_moment_that_no_script_could_compare_is_refused(moment):
    told = orjson.loads(GOLDEN_FAILURE.split(b" ", 3)[3])
    for places in ({"retry": moment}, {"refuse": moment}):
        with pytest.raises(BadFrame):
            decode_failure(KEY, failure_record(told, **places))


def test_every_failure_has_a_name_in_a_record():
    every = {one for one in vars(errors).values() if isinstance(one, type)}
    every = {one for one in every if issubclass(one, GatewayError)}

    assert set(frames.KINDS.values()) >= every
    for kind in every:
        record = encode_failure(KEY, make_failure(kind()))
        assert type(decode_failure(KEY, record).error) is kind


def test_the_checksum_covers_where_one_piece_ends():
    assert frames._checksum(b"ab", b"c") != frames._checksum(b"a", b"bc")
    assert len(frames._checksum(b"")) == hashlib.blake2b(digest_size=16).digest_size * 2
