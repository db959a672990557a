"""/errors: what each error code means and what a client does about it, for people and programs."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from errors import ERRORS, GatewayError, error_body
from services.media_types import JSON_TYPE
from services.pages.documents import HERE, HTML, Document, Documents, prefers_page

PATH = "/errors"
#: Takes GET and POST, so that each error may be its own.
EXAMPLE_PATH = "/songs"
EXAMPLE_ID = "5f0c9a3be1d24c7788a6f4b2c0d91e37"


def explained(error: type[GatewayError]) -> dict[str, Any]:
    """All that is to be known about one error.

    Shape:  {"code": "not_found", "status": 404, "title": …, "type": "/errors#not_found",
             "retryable": false, "meaning": …, "remedy": …, "example": the body}
    """
    example = error_body(error(), instance=EXAMPLE_PATH, request_id=EXAMPLE_ID)
    return {
        "code": error.code,
        "status": error.status,
        "title": HTTPStatus(error.status).phrase,
        "type": example["type"],
        "retryable": error.retryable,
        "meaning": error.meaning,
        "remedy": error.remedy,
        "example": example,
    }


def mount_error_page(app: Flask, documents: Documents) -> None:
    """The page for browsers, the same as JSON for everybody else."""
    errors = [explained(error) for error in ERRORS]
    told = Document(orjson.dumps({"errors": errors}), JSON_TYPE)
    page = documents.packed(Document(_page(), f"{HTML}; charset=utf-8").response)

    def view() -> Response:
        response = page() if prefers_page() else told.response()
        response.vary.add("Accept")
        return response

    app.add_url_rule(PATH, "errors", view)
    css = (HERE / "errors" / "errors.css").read_bytes()
    style = Document(css, "text/css; charset=utf-8")
    app.add_url_rule(
        "/assets/errors/errors.css", "errors/errors.css", documents.packed(style.response)
    )


@cache
def _page() -> bytes:
    """Made once a process."""
    errors = [explained(error) for error in ERRORS]
    templates = Environment(
        loader=FileSystemLoader(HERE / "errors"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["spelled"] = _spelled
    return templates.get_template("errors.html").render(errors=errors, as_json=_as_json).encode()


def _spelled(text: str) -> Markup:
    """A sentence with its first letter large and what stands in backticks as code."""
    safe = str(escape(text[:1].upper() + text[1:]))
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", safe))  # noqa: S704  # escaped above


def _as_json(body: dict[str, Any]) -> str:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
