"""/openapi.json and the files of /docs: valid, packed, and sent once."""

import gzip

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.endpoints import ENDPOINTS
from services.openapi.document import document
from services.openapi.operations import path_of
from services.params import Check
from sites import VERSION

FILES = [
    "/openapi.json",
    "/docs",
    "/assets/docs/any/docs.js",
    "/assets/docs/any/docs.css",
    "/assets/swagger-ui/swagger-ui-bundle.js",
    "/assets/swagger-ui/swagger-ui.css",
]


@pytest.fixture(scope="module")
def published():
    return document(VERSION)


def test_the_document_is_openapi_3_1(published):
    assert list(OpenAPIV31SpecValidator(published).iter_errors()) == []


def test_the_document_is_served_as_it_is_published(shared_running, published):
    served = shared_running.get("/openapi.json")

    assert served.content_type == "application/json"
    assert orjson.loads(served.data) == orjson.loads(orjson.dumps(published))
    assert served.cache_control.public and 0 < served.cache_control.max_age <= 3600


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_packed_and_sent_once(path, shared_running):
    plain = shared_running.get(path)
    packed = shared_running.get(path, **{"Accept-Encoding": "gzip"})
    is_small = len(plain.data) < 500

    assert plain.status_code == 200
    assert is_small or gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.vary
    for answer in (plain, packed):
        known = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"}
        again = shared_running.get(path, **known)
        assert (again.status_code, again.data) == (304, b"")


def test_the_wheels_files_are_not_asked_for_each_time(shared_running):
    for path in FILES[-2:]:
        assert shared_running.get(path).cache_control.max_age >= 3600


def test_the_page_holds_no_inline_script_and_may_run_none(shared_running):
    page = shared_running.get("/docs")

    assert "<script>" not in page.text and "<style" not in page.text
    assert "'unsafe-" not in page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_every_method_of_every_endpoint_is_documented(published):
    operations = {
        (path, method.upper()): operation
        for path, methods in published["paths"].items()
        for method, operation in methods.items()
    }

    for route in ENDPOINTS:
        for method in route.methods:
            assert (path_of(route.path), method) in operations
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert all(name.isidentifier() and name[0].islower() for name in ids)
    topics = {tag["name"] for tag in published["tags"]}
    assert {tag for operation in operations.values() for tag in operation["tags"]} == topics


def test_every_other_route_is_documented_or_a_page(running, published):
    """Pages are for people, operators' routes for those who have the README open."""
    undocumented = {
        path_of(rule.rule)
        for rule in running.gateway.flask.url_map.iter_rules()
        if not rule.rule.startswith(("/assets/", "/admin/"))
    } - set(published["paths"])

    assert undocumented == {"/docs", "/dashboard", "/favicon.ico", "/robots.txt"}


def test_every_parameter_says_what_it_accepts():
    for route in ENDPOINTS:
        for name, field in route.params.model_fields.items():
            assert any(isinstance(rule, Check) for rule in field.metadata), (route.name, name)
            assert field.description, (route.name, name)


def test_what_is_clamped_says_no_bounds(published):
    parameters = published["paths"]["/mix"]["get"]["parameters"]
    limit = next(one for one in parameters if one.get("name") == "limit")

    assert not {"minimum", "maximum"} & set(limit["schema"])
    assert "200" in limit["description"]


def test_all_that_needs_a_worker_may_find_none_or_too_many_of_the_same_client(published):
    calm = {
        path
        for path, methods in published["paths"].items()
        for operation in methods.values()
        if not {"429", "503"} <= set(operation["responses"])
    }

    assert calm == {"/livez"}
