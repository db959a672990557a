"""Schemathesis asks all that the document allows and forbids, and looks at what comes back."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import parse_qsl, quote, urlencode

import hypothesis
import orjson
import pytest
import schemathesis
from pydantic import TypeAdapter
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from werkzeug.wsgi import ClosingIterator

from services.openapi.document import Envelope, document
from sites import VERSION
from tests.conftest import gateway_over
from tests.doubles import FakeClock

#: `make fuzz` asks for hours, a change must not wait for them.
IS_LONG = hypothesis.settings().max_examples > 1000
EXAMPLES = 400 if IS_LONG else 1
#: Each country that is asked for is a chart to fetch: all of them took half of the time.
COUNTRIES = None if IS_LONG else ["AE", "US", "ZZ"]
ONLY_FUZZING = {name: {"enabled": False} for name in ("examples", "coverage", "stateful")}
#: What answers hold is null here and there, and it would send that as an id.
OWN_VALUES = {"extra-data-sources": {"responses": False}}
WRAPPED = TypeAdapter(Envelope)


@dataclass
class Report:
    """What was asked and what was found wrong."""

    cases: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    checks: Counter = field(default_factory=Counter)
    failures: set[str] = field(default_factory=set)

    def add(self, recorder):
        for case_id, checks in recorder.checks.items():
            asked = recorder.interactions[case_id]
            self.cases[recorder.label] += 1
            self.statuses[asked.response.status_code] += 1
            for check in checks:
                self.checks[check.name] += 1
                if check.failure_info:
                    told = check.failure_info.failure
                    where = f"{asked.request.method} {asked.request.uri}"
                    self.failures.add(f"{check.name}: {where}: {told.title}: {told.message}")


def configured(**only):
    """Every check, on what fits the document and on what does not.

    No operation leads to another one by what it answers, so there are no states to explore. The
    in-process client does not unpack what is packed.
    """
    derandomize = hypothesis.settings().derandomize or not IS_LONG
    return SchemathesisConfig.from_dict(
        {
            "headers": {"Accept-Encoding": "identity"},
            "generation": {
                "max-examples": EXAMPLES,
                "deterministic": derandomize,
                # What Unicode has not given a meaning to is refused; no pattern can tell that.
                "codec": "latin-1",
                "mode": "all",
                "database": "none",
            },
            "phases": {
                "stateful": {"enabled": False},
                "fuzzing": OWN_VALUES,
                "examples": OWN_VALUES,
                "coverage": OWN_VALUES | {"unexpected-methods": ["post", "delete"]},
            },
            **({"seed": 7} if derandomize else {}),
            **only,
        }
    )


def fuzz(app, config, path=None):
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)
    if COUNTRIES:
        country_of(schema.raw_schema)["enum"] = COUNTRIES
    schema = schema.include(path=path) if path else schema
    schema.hook("after_call")(unwrap)
    report = Report()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            report.add(event.recorder)
        if isinstance(event, events.NonFatalError | events.FatalError):
            report.failures.add(f"error: {event}")
    return report


def country_of(document):
    (country,) = (
        parameter["schema"]
        for parameter in document["paths"]["/trending"]["get"]["parameters"]
        if parameter.get("name") == "country"
    )
    return country


def unwrap(context, case, response):
    """An envelope is an envelope, and in it is the documented answer: a response cannot be
    documented by a parameter."""
    if response.headers.get("cache-control") == ["private, no-cache"] and response.content:
        wrapped = WRAPPED.validate_python(orjson.loads(response.content), strict=True)
        response.content = orjson.dumps(wrapped["items"])


@pytest.fixture(scope="module")
def app(shared_emulator):
    shared_emulator.faults.clear()
    shared_emulator.latency.clear()
    running = gateway_over(shared_emulator, FakeClock())
    running.gateway.readiness.has_started = True
    return with_whole_answers(with_whole_target(running.gateway.wsgi))


def with_whole_answers(app):
    """What was chosen by `fields` is of the documented answer, which comes in its place: how an
    answer depends on a parameter cannot be documented."""

    def call(environ, start_response):
        query = parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)
        others = [pair for pair in query if pair[0] != "fields"]
        status, headers, chosen = answer_of(app, environ)
        if len(others) < len(query) and status == "200 OK":
            asked = {**environ, "QUERY_STRING": urlencode(others)}
            _, _, whole = answer_of(app, asked | {"wsgi.input": BytesIO(environ["sent"])})
            assert is_part(orjson.loads(chosen), orjson.loads(whole)), environ["QUERY_STRING"]
            chosen = whole
        start_response(status, headers)
        return [chosen]

    return call


def answer_of(app, environ):
    environ.setdefault("sent", environ["wsgi.input"].read())
    told = []
    asked = {**environ, "wsgi.input": BytesIO(environ["sent"])}
    body = ClosingIterator(app(asked, lambda *head: told.extend(head)))
    with closing(body):
        return told[0], told[1], b"".join(body)


def is_part(chosen, whole):
    """Whether what was chosen is in the whole; an envelope's own members are of its moment."""
    if isinstance(chosen, list):
        return len(chosen) == len(whole) and all(map(is_part, chosen, whole))
    if not isinstance(chosen, dict):
        return chosen == whole
    if "from_cache" in chosen and "items" in chosen:
        return is_part(chosen["items"], whole["items"])
    return all(name in whole and is_part(chosen[name], whole[name]) for name in chosen)


def with_whole_target(app):
    """What a server tells, and Werkzeug's client does not: the target with its query."""

    def call(environ, start_response):
        query = environ["QUERY_STRING"]
        target = quote(environ["PATH_INFO"].encode("latin-1"))
        environ["REQUEST_URI"] = f"{target}?{query}" if query else target
        return app(environ, start_response)

    return call


@pytest.fixture(scope="module")
def report(app):
    return fuzz(app, configured())


def test_no_check_fails(report):
    assert sorted(report.failures) == []


def test_every_operation_was_asked_well_and_badly(report):
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document(VERSION)["paths"].items()
        for method in methods
    } - {"GET /openapi.json"}  # where it has the document from

    assert set(report.cases) == operations
    assert report.cases.total() > 5 * len(operations)
    assert {200, 400, 404, 405, 415} <= set(report.statuses)
    assert not [status for status in report.statuses if status >= 500]
    assert {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "positive_data_acceptance",
        "unsupported_method",
    } <= set(report.checks)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"status":"alive"', b'"status":"well"', "response_schema_conformance"),
        (b"200 OK", b"203 OK", "status_code_conformance"),
        (b"application/json", b"application/xml", "content_type_conformance"),
        (b"X-Request-ID", b"X-Request-Name", "response_headers_conformance"),
    ],
)
def test_a_product_that_answers_otherwise_is_noticed(old, new, told, app):
    def broken(environ, start_response):
        def start(status, headers):
            text = [(name.replace(*words), value.replace(*words)) for name, value in headers]
            start_response(status.replace(*words), text)

        words = old.decode(), new.decode()
        if environ["PATH_INFO"] != "/livez":
            return app(environ, start_response)
        return [part.replace(old, new) for part in app(environ, start)]

    found = fuzz(broken, configured(phases=ONLY_FUZZING), path="/livez")

    assert {failure.partition(":")[0] for failure in found.failures} == {told}
