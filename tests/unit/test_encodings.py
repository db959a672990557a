"""Which form a client gets: by what it accepts, and without a call where that is ready."""

import gzip
import sys

import pytest

from forms import Forms
from services.encodings import LONGEST_ACCEPT_ENCODING, MOST_WAYS, WAYS, Ways, plain
from stores.memory import MemoryStore
from tests.doubles import make_envelope

LARGE = b"[" + b"1234567890," * 200 + b"1]"
SMALL = b"[]"
BROWSER = "gzip, deflate, br, zstd"

#: What is sent for a body that is worth packing, and for one that is not.
PACKED, PLAIN, ALWAYS_PACKED = ("gzip", None), (None, None), ("gzip", "gzip")
CODINGS = {
    BROWSER: PACKED,
    "gzip": PACKED,
    "GZip": PACKED,
    "*": PACKED,
    "br;q=1, gzip;q=0.1": PACKED,
    "gzip;q=0.001": PACKED,
    "identity;q=0.5, gzip;q=0.5": PACKED,
    "identity, *": PACKED,
    "br;q=0, gzip": PACKED,
    "*;q=0.1, identity;q=0.1": PACKED,
    "": PLAIN,
    "br": PLAIN,
    "zstd, br;q=0.5": PLAIN,
    "identity": PLAIN,
    "identity, gzip;q=0.9": PLAIN,
    "gzip;q=0": PLAIN,
    "gzip;q=0.0": PLAIN,
    "gzip;q=0, *": PLAIN,
    "*;q=0": PLAIN,
    "gzipped": PLAIN,
    "identity;q=0": PLAIN,  # refuses all we have: the plain form is what everybody can read
    "gzip" + " " * LONGEST_ACCEPT_ENCODING: PLAIN,
    "gzip, identity;q=0": ALWAYS_PACKED,
    "gzip, *;q=0": ALWAYS_PACKED,
    "*, identity;q=0": ALWAYS_PACKED,
}


def sent(accepted, forms):
    return WAYS[accepted](forms) or forms.other()


def unpacked(form):
    coding, body = form
    return body if coding is None else gzip.decompress(body)


def stored(body):
    """The forms as memory keeps them."""
    store = MemoryStore(max_bytes=2**20, max_entry_bytes=2**20, max_entries=10)
    store.set("k", make_envelope("k", forms=Forms.of(body)))
    return store.peek("k").forms


MAKERS = pytest.mark.parametrize("made", [Forms.of, Forms.of_once, stored])


@MAKERS
@pytest.mark.parametrize("accepted", CODINGS)
def test_a_client_gets_what_it_accepts(made, accepted):
    for body, coding in zip((LARGE, SMALL), CODINGS[accepted], strict=True):
        form = sent(accepted, made(body))

        assert form[0] == coding
        assert unpacked(form) == body


@MAKERS
def test_every_form_says_the_same_and_is_told_so(made):
    for body in (LARGE, SMALL):
        forms = made(body)

        assert (forms.body, forms.length, forms.ready()) == (body, len(body), body)
        assert unpacked(forms.stored) == body
        assert forms == made(body) != made(b"{}")


def test_who_makes_a_form_gets_his_own_though_another_made_it_meanwhile():
    forms = stored(LARGE)
    assert WAYS[""](forms) is None
    forms.ready()  # another thread, between the look and the making

    assert forms.other() == (None, LARGE)


def calls_of(work):
    calls = []
    sys.setprofile(lambda frame, event, _: event == "call" and calls.append(frame.f_code.co_name))
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls[1:]  # the first is the work itself


@pytest.mark.parametrize("body", [LARGE, SMALL])
@pytest.mark.parametrize("accepted", ["", "identity", BROWSER])
def test_a_ready_form_costs_a_hit_no_call_of_python(accepted, body):
    forms = stored(body)
    first = sent(accepted, forms)

    assert calls_of(lambda: WAYS[accepted](forms) or forms.other()) == []
    assert sent(accepted, forms) is first, "nor anything new"


def test_a_flood_of_made_up_values_is_not_remembered():
    ways = Ways()
    for number in range(3 * MOST_WAYS):
        assert ways[f"gzip;q=0.{number}"]
        assert len(ways) <= MOST_WAYS
    assert ways["x" * 10_000] is plain
    assert "x" * 10_000 not in ways
