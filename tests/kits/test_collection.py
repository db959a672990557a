"""The collection for Postman and Bruno: all of the document, and requests that are answered."""

import json
import re

import pytest
import requests

from scripts.postman_collection import SCHEMA, collection, environment, operations
from scripts.render_kits import POSTMAN

COLLECTION = POSTMAN / "gateway.postman_collection.json"
ENVIRONMENT = POSTMAN / "demo.postman_environment.json"
SENT = json.loads(COLLECTION.read_bytes())
DEMO = json.loads(ENVIRONMENT.read_bytes())
REQUESTS = [item for folder in SENT["item"] for item in folder["item"]]


def test_it_is_made_from_the_document(document):
    assert collection(document) == SENT, "run `make kits`"
    assert environment(document) == DEMO, "run `make kits`"


def test_it_has_every_operation_once(document):
    wanted = {f"{method.upper()} {path}" for path, method, _ in operations(document)}

    assert SENT["info"]["schema"] == SCHEMA
    assert sorted(item["name"] for item in REQUESTS) == sorted(wanted)


def test_each_variable_that_a_request_names_is_there_and_the_demo_knows_it():
    given = {variable["key"] for variable in SENT["variable"]}
    known = {value["key"] for value in DEMO["values"]}

    named = set(re.findall(r"\{\{(\w+)\}\}", json.dumps(REQUESTS)))

    assert named == given
    assert given - known <= {"baseUrl", "apiKey"}


def filled(text, base_url=""):
    """What Postman sends: the environment before the collection."""
    values = {one["key"]: one["value"] for one in (*SENT["variable"], *DEMO["values"])}
    values["baseUrl"] = base_url
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text)


def sent(request, base_url):
    """Method, URL, headers and body of a request, as far as it is switched on."""
    url = request["url"]
    in_path = {f":{one['key']}": one["value"] for one in url["variable"]}
    path = "/".join(in_path.get(segment, segment) for segment in url["path"])
    return {
        "method": request["method"],
        "url": filled(f"{url['host'][0]}/{path}", base_url),
        "params": {one["key"]: filled(one["value"]) for one in url["query"] if is_on(one)},
        "headers": {one["key"]: one["value"] for one in request["header"] if is_on(one)},
        "data": filled(request["body"]["raw"]) if "body" in request else None,
    }


def is_on(argument):
    return not argument.get("disabled")


@pytest.mark.parametrize("item", REQUESTS, ids=lambda item: item["name"])
def test_each_request_is_answered(gateway, item):
    """Only what is named by an id that nobody knows beforehand is not there.

    A redirect leads to the world outside: it is the answer.
    """
    asked = sent(item["request"], gateway.url)
    answer = requests.request(**asked, timeout=60, allow_redirects=False)

    is_known = all(one["value"].startswith("{{") for one in item["request"]["url"]["variable"])
    assert answer.status_code in ((200, 302) if is_known else (404,)), answer.text[:300]
