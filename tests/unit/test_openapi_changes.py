"""Which changes of the document break a client, and that none is published by accident."""

import copy
import io
import json
import sys

import pytest

from scripts import openapi_changes, publish_openapi
from scripts.openapi_changes import breaking

PUBLISHED = json.loads(publish_openapi.PUBLISHED.read_text())
SCHEMAS = "components", "schemas"
SEARCH = "paths", "/search", "get"
ANSWER = "responses", "200", "content", "application/json", "schema"


def at(document, *steps):
    for step in steps:
        document = document[step]
    return document


def changed(change):
    new = copy.deepcopy(PUBLISHED)
    change(new)
    return breaking(PUBLISHED, new)


BREAKING = {
    "GET /lyrics: is gone": lambda new: new["paths"].pop("/lyrics"),
    "POST /songs: is gone": lambda new: new["paths"]["/songs"].pop("post"),
    "GET /search: is called find, was getSearch": lambda new: at(new, *SEARCH).update(
        operationId="find"
    ),
    "GET /mix: needs credentials": lambda new: at(new, "paths", "/mix", "get").update(
        security=[{"ApiKey": []}]
    ),
    "GET /search filter: is gone": lambda new: at(new, *SEARCH, "parameters").pop(1),
    "GET /search limit: is required": lambda new: at(new, *SEARCH, "parameters", 2).update(
        required=True
    ),
    "GET /search filter: songs is gone": lambda new: at(
        new, *SEARCH, "parameters", 1, "schema", "enum"
    ).remove("songs"),
    "GET /search limit: maximum is 10, was none": lambda new: at(
        new, *SEARCH, "parameters", 2, "schema"
    ).update(maximum=10),
    "GET /search query: maxLength is 100, was 200": lambda new: at(
        new, *SEARCH, "parameters", 0, "schema"
    ).update(maxLength=100),
    "SongsRequest.why: is required": lambda new: at(new, *SCHEMAS, "SongsRequest")[
        "required"
    ].append("why"),
    "SongsRequest.song_ids: maxItems is 5, was 200": lambda new: at(
        new, *SCHEMAS, "SongsRequest", "properties", "song_ids"
    ).update(maxItems=5),
    "GET /search: 200 is gone": lambda new: at(new, *SEARCH, "responses").pop("200"),
    "GET /search 200: header ETag is gone": lambda new: at(
        new, *SEARCH, "responses", "200", "headers"
    ).pop("ETag"),
    "GET /billboard 200: type is array, was object": lambda new: at(
        new, "paths", "/billboard", "get", "responses", "200", "content", "application/json"
    ).update(schema={"type": "array", "items": {}}),
    "Track.videoId: is gone": lambda new: at(new, *SCHEMAS, "Track", "properties").pop("videoId"),
    "Track.videoId: may be missing": lambda new: at(new, *SCHEMAS, "Track", "required").remove(
        "videoId"
    ),
    "Track.videoId: type is integer, was string": lambda new: at(
        new, *SCHEMAS, "Track", "properties", "videoId"
    ).update(type="integer"),
    "GET /search 200[]: may be Surprise": lambda new: (
        at(new, *SCHEMAS).update(Surprise={"type": "object"}),
        at(new, *SEARCH, *ANSWER, "items", "anyOf").append(
            {"$ref": "#/components/schemas/Surprise"}
        ),
    ),
    "Health.status: degraded is gone": lambda new: at(
        new, *SCHEMAS, "Health", "properties", "status", "enum"
    ).remove("degraded"),
}


@pytest.mark.parametrize("told", BREAKING)
def test_what_breaks_a_client_is_named(told):
    assert told in changed(BREAKING[told])


@pytest.mark.parametrize(
    "change",
    [
        lambda new: None,
        lambda new: new["paths"].update({"/new": {}}),
        lambda new: at(new, *SEARCH).update(summary="Other words."),
        lambda new: at(new, *SEARCH, "parameters").append(
            {"name": "more", "in": "query", "schema": {"type": "string"}}
        ),
        lambda new: at(new, *SEARCH, "parameters", 0, "schema").update(maxLength=300),
        lambda new: at(new, *SEARCH, "parameters", 0, "schema").pop("pattern"),
        lambda new: at(new, *SEARCH, "parameters", 1, "schema", "enum").append("films"),
        lambda new: at(new, *SCHEMAS, "Track", "properties").update(more={"type": "string"}),
        lambda new: at(new, *SCHEMAS, "Problem", "properties", "code", "enum").append("teapot"),
        lambda new: at(new, *SCHEMAS, "SongsRequest", "properties").update(more={}),
    ],
)
def test_what_only_adds_breaks_nobody(change):
    assert changed(change) == []


def test_two_documents_are_compared_from_the_command_line(tmp_path, monkeypatch, capsys):
    new = copy.deepcopy(PUBLISHED)
    del new["paths"]["/lyrics"]
    (tmp_path / "new.json").write_text(json.dumps(new))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(PUBLISHED)))

    assert openapi_changes.main(["-", str(tmp_path / "new.json")]) == 1
    assert capsys.readouterr().out == "GET /lyrics: is gone\n"


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Runs the publishing of a document beside the real one; gives its exit code."""
    published = tmp_path / "openapi.json"
    published.write_text(publish_openapi.spelled(PUBLISHED))
    monkeypatch.setattr(publish_openapi, "PUBLISHED", published)
    monkeypatch.setattr(publish_openapi, "EXAMPLES", tmp_path / "examples.json")
    monkeypatch.setattr(publish_openapi, "examples", dict)

    def run(new, *arguments):
        monkeypatch.setattr(publish_openapi, "document", lambda version, shown: new)
        monkeypatch.setattr(sys, "argv", ["publish_openapi", *arguments])
        return publish_openapi.main(), json.loads(published.read_text())

    return run


def test_a_breaking_document_is_published_only_on_purpose(publish, monkeypatch, capsys):
    new = copy.deepcopy(PUBLISHED)
    del new["paths"]["/lyrics"]
    assert publish(new) == (1, PUBLISHED)
    assert "GET /lyrics: is gone" in capsys.readouterr().err

    monkeypatch.setenv("BREAKING", "1")
    assert publish(new) == (1, PUBLISHED)
    assert "raise VERSION" in capsys.readouterr().err

    new["info"]["version"] = "0.99.0"
    assert publish(new) == (0, new)


def test_an_addition_is_published_and_the_check_asks_for_it(publish, capsys):
    new = copy.deepcopy(PUBLISHED)
    new["paths"]["/new"] = {}

    assert publish(new, "--check") == (1, PUBLISHED)
    assert "run `make docs`" in capsys.readouterr().err
    assert publish(new) == (0, new)
    assert publish(new, "--check") == (0, new)
