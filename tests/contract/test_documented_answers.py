"""What is answered is what is documented: hits, envelopes, failures, and recorded upstreams."""

import copy
import json

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from ytmusicapi import YTMusic

from scripts.publish_openapi import PUBLISHED, SEED, spelled
from services.answers.pages import AlbumPage, ArtistPage, PlaylistPage
from services.answers.search import SearchResult
from services.endpoints import ENDPOINTS
from services.openapi.document import document
from services.openapi.operations import path_of
from services.parsers.thumbnails import with_large_thumbnails
from sites import VERSION
from tests.emulator.test_shapes_against_captures import CAPTURES, CASES
from tests.examples import examples

DOCUMENT = document(VERSION)
EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
#: Upstream's own, for people who are signed in, or of no use: there, but not promised.
UNPROMISED = {
    "communityVoteStatus", "pinnedToListenAgain", "creditsBrowseId", "feedbackTokens", "inLibrary",
    "playlistId", "views", "duration", "related", "subscribed", "audioPlaylistId",
    "isOwnerViewing", "isCrawlable", "allowRatings", "isPrivate", "isUnpluggedCorpus",
    "isTvfilmVideo", "contextParams", "errorScreen", "audioOnlyPlayability", "miniplayer",
    "playableInEmbed", "playbackTracking", "descriptionRuns",
}  # fmt: skip


#: Of every answer of any service: how it is sent, and what browsers may do with it.
STANDARD = {
    "content-type", "content-length", "content-encoding", "content-security-policy",
    "referrer-policy", "cross-origin-resource-policy", "x-content-type-options",
}  # fmt: skip


def own(response):
    """The headers that are this gateway's."""
    return {name for name, _ in response.headers if name.lower() not in STANDARD}


def errors_in(value, schema, document=DOCUMENT):
    """Where the value is not what the schema says."""
    rooted = {"$ref": "#/wanted", "wanted": schema, "components": document["components"]}
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(rooted).iter_errors(value)
    ]


def documented(endpoint, ask, status):
    method = "get" if ask.json is None else "post"
    response = DOCUMENT["paths"][path_of(endpoint.path)][method]["responses"][status]
    while "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response


def schema_of(endpoint, ask, status):
    return documented(endpoint, ask, status)["content"]["application/json"]["schema"]


@pytest.fixture
def asked(endpoint, emulator, shared_running):
    ask = examples(emulator.catalogue)[endpoint.name].ask
    return ask, lambda **headers: ask.of(shared_running, **headers)


@EVERY
def test_an_answer_is_what_is_documented(endpoint, asked):
    ask, get = asked
    answer = get()

    assert errors_in(orjson.loads(answer.data), schema_of(endpoint, ask, "200")) == []
    assert set(documented(endpoint, ask, "200")["headers"]) >= own(answer)


@EVERY
def test_a_member_of_an_answer_is_promised_or_known_to_be_none(endpoint, asked):
    ask, get = asked
    closed = without_room_for_more(DOCUMENT)
    schema = schema_of(endpoint, ask, "200")

    extra = errors_in(without_unpromised(orjson.loads(get().data)), schema, closed)
    assert extra == []


def without_room_for_more(document):
    closed = copy.deepcopy(document)
    for schema in closed["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
            schema["properties"] |= {name: {} for name in UNPROMISED & set(schema["properties"])}
            schema["required"] = [
                name for name in schema.get("required", ()) if name not in UNPROMISED
            ]
    return closed


def without_unpromised(value):
    if isinstance(value, list):
        return [without_unpromised(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: without_unpromised(one) for name, one in value.items() if name not in UNPROMISED}


@EVERY
def test_an_envelope_holds_what_is_documented(endpoint, asked):
    ask, get = asked
    wrapped = orjson.loads(get(Prefer="return=envelope").data)

    assert errors_in(wrapped, {"$ref": "#/components/schemas/Envelope"}) == []
    assert errors_in(wrapped["items"], schema_of(endpoint, ask, "200")) == []


@EVERY
def test_a_refusal_is_what_is_documented(endpoint, emulator, shared_running):
    for ask in examples(emulator.catalogue)[endpoint.name].refused[:2]:
        refused = ask.of(shared_running)
        told = documented(endpoint, ask, str(refused.status_code))
        schema = told["content"][refused.mimetype]["schema"]

        assert errors_in(refused.json, schema) == []
        assert set(told["headers"]) >= own(refused)


@EVERY
def test_the_examples_are_what_is_documented(endpoint):
    for method in endpoint.methods:
        operation = DOCUMENT["paths"][path_of(endpoint.path)][method.lower()]
        content = operation["responses"]["200"]["content"]["application/json"]
        assert errors_in(content["example"], content["schema"]) == []
        for body in operation.get("requestBody", {}).get("content", {}).values():
            for example in body["examples"].values():
                assert errors_in(example["value"], body["schema"]) == []
        for parameter in operation["parameters"]:
            for example in parameter.get("examples", {}).values():
                assert errors_in(example["value"], parameter["schema"]) == []


def test_each_failure_has_an_example_that_is_one():
    for response in DOCUMENT["components"]["responses"].values():
        for content in response.get("content", {}).values():
            assert content["examples"]
            for example in content["examples"].values():
                assert errors_in(example["value"], content["schema"]) == []


def test_the_published_document_is_this_one():
    assert PUBLISHED.read_text() == spelled(DOCUMENT)
    assert SEED == 7  # of the emulator that tests share: its ids are in the examples


RECORDED = {
    "get_artist": ArtistPage,
    "get_album": AlbumPage,
    "get_playlist": PlaylistPage,
    "search_": list[SearchResult],
}
NAMES = [case[0] for case in CASES]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not here")
@pytest.mark.parametrize(("capture", "read"), [case[:2] for case in CASES], ids=NAMES)
def test_a_recorded_answer_is_what_is_documented(capture, read):
    kind = next((kind for name, kind in RECORDED.items() if name in capture), None)
    if kind is None:
        pytest.skip("no endpoint answers this as it comes")
    music = YTMusic()
    music._send_request = lambda *_, **__: json.loads((CAPTURES / capture).read_text())
    found = with_large_thumbnails(orjson.loads(orjson.dumps(read(music))))

    TypeAdapter(kind).validate_python(found, strict=True)
