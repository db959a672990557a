"""`fields`: only the members that a client names, on every endpoint."""

import gzip

import orjson
import pytest

from services.endpoints import ENDPOINTS
from services.view_params import MOST_FIELDS, MOST_FIELDS_CHARS
from tests.examples import examples
from tests.http.test_pages import constant

EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)


def asked(running, ask, fields, **headers):
    target = f"{ask.target}{'&' if '?' in ask.target else '?'}fields={fields}"
    return type(ask)(target, ask.json).of(running, **headers)


def names_of(payload):
    item = payload[0] if isinstance(payload, list) else payload
    return list(item) if isinstance(item, dict) else []


@EVERY
def test_every_endpoint_gives_the_members_asked_for_or_all(
    endpoint, shared_running, shared_emulator
):
    ask = examples(shared_emulator.catalogue)[endpoint.name].ask
    whole = ask.of(shared_running)
    names = names_of(whole.json)
    if not names:
        assert asked(shared_running, ask, "title").data == whole.data  # it is no parameter here
        return

    everything = asked(shared_running, ask, ",".join(reversed(names)))
    one, again = (asked(shared_running, ask, names[-1]) for _ in range(2))

    assert everything.data == whole.data
    assert everything.headers["ETag"] == whole.headers["ETag"]
    assert names_of(one.json) == [names[-1]]
    assert one.headers["ETag"] != whole.headers["ETag"]
    assert (again.data, constant(again)) == (one.data, constant(one))


def test_the_order_of_fields_is_no_matter(running):
    targets = [
        f"/trending?fields={fields}"
        for fields in ("videoId,artists.name,title", "title,artists.name,videoId,title")
    ]
    first, second = map(running.get, targets)
    whole = running.get("/trending").json

    assert first.data == second.data
    assert first.headers["ETag"] == second.headers["ETag"]
    assert len(running.gateway.engine.cache.memory.views) == 1
    assert first.json[4] == {
        "title": whole[4]["title"],
        "videoId": whole[4]["videoId"],
        "artists": [{"name": artist["name"]} for artist in whole[4]["artists"]],
    }
    wider = running.get("/trending?fields=artists,artists.name,artists.id").json
    assert wider == [{"artists": track["artists"]} for track in whole]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("/trending?fields=nonesuch", "fields must be of album, artists, "),
        ("/trending?fields=title,artists.nam", "fields must be of artists.id, artists.name."),
        ("/trending?fields=title.x", "fields must end at title."),
        ("/billboard?fields=data.metadata", "fields must be of data.artists, data.lastPos, "),
        ("/trending?fields=a%2C%2Cb", "fields must be names with commas between, "),
        ("/trending?fields=a..b", "fields must be names with commas between, "),
        ("/trending?fields=%3Cb%3E", "fields must be names with commas between, "),
        ("/trending?fields=%ff", "The query must be percent-encoded UTF-8."),
        (f"/search?query=a&fields={'a.' * 5}a", "fields must be names with commas between, "),
        (f"/search?query=a&fields={'a,' * (MOST_FIELDS - 1)}b", "200"),
        (
            "/search?query=a&fields=" + ",".join(f"n{n}" for n in range(MOST_FIELDS + 1)),
            "fields must have at",
        ),
        (
            "/search?query=a&fields=" + "a" * 64 + "." + "b" * MOST_FIELDS_CHARS,
            "fields must have at most",
        ),
        ("/trending?fields=a&fields=b", "fields may be given once."),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_what_can(running, emulator, target, sentence):
    response = running.get(target)

    if sentence == "200":
        assert response.status_code == 200, "repetitions count once"
        return
    assert response.status_code == 400
    assert response.json["detail"].startswith(sentence)
    assert emulator.calls.total() == 0


def test_where_the_answer_is_open_any_name_may_be(running):
    assert running.get("/search?query=mirror&fields=nonesuch").json[0] == {}


def test_a_failed_song_says_so_whole_in_its_place(running, emulator):
    song = emulator.catalogue.samples()["song"][0]
    body = {"song_ids": [song, "AAAAAAAAAAA"]}
    whole = running.post("/songs", body).json

    chosen = running.post("/songs?fields=title", body)

    assert chosen.json == [{"title": whole[0]["title"]}, whole[1]]
    assert chosen.headers["Cache-Control"].startswith("public, max-age=0")


def test_fields_are_of_the_items_inside_an_envelope(running):
    plain = running.get("/trending?fields=title&limit=2")
    wrapped = running.get("/trending?fields=title&limit=2&envelope=1").json

    assert wrapped["items"] == plain.json
    assert wrapped["from_cache"] is True


def test_a_selection_is_packed_headed_and_known_like_any_answer(running):
    target = "/trending?fields=title,videoId"
    for _ in range(2):
        plain = running.get(target)
        packed = running.get(target, **{"Accept-Encoding": "gzip"})
        known = running.get(target, **{"If-None-Match": plain.headers["ETag"]})
        head = running.client.head(target)

        assert gzip.decompress(packed.data) == plain.data
        assert (known.status_code, known.data) == (304, b"")
        assert (head.data, constant(head)) == (b"", constant(plain))
        assert head.headers["Content-Length"] == str(len(plain.data))


def test_an_absence_stays_an_absence(running):
    missing = running.get("/song/AAAAAAAAAAA?fields=videoDetails")

    assert missing.status_code == 404
    assert orjson.loads(missing.data)["code"] == "not_found"
