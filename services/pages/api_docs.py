"""/openapi.json, and /docs: Swagger UI from the wheel's own files, asking nobody but us."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import flask_swagger_ui
from flask import Flask, Response

from services.media_types import JSON_TYPE
from services.openapi.document import openapi_json
from services.pages.documents import Document, Documents

ASSETS = Path(flask_swagger_ui.__file__).with_name("dist")
#: What our page loads of them; the rest serves other layouts and logins.
FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
#: A deployment changes it; generators and pages that ask every time get 304.
FIVE_MINUTES = "public, max-age=300, stale-while-revalidate=86400"
#: They change with the wheel.
A_DAY = "public, max-age=86400"


def mount_api_docs(app: Flask, documents: Documents, version: str) -> None:
    """The document, the page, and the page's files."""
    app.add_url_rule("/openapi.json", "openapi", documents.packed(partial(_openapi, version)))
    app.add_url_rule("/docs", "docs", documents.open("docs"))
    for file in FILES:
        view = documents.packed(partial(_asset, file))
        app.add_url_rule(f"/assets/swagger-ui/{file}", f"swagger-ui/{file}", view)


def _openapi(version: str) -> Response:
    return Document(openapi_json(version), JSON_TYPE, FIVE_MINUTES).response()


def _asset(file: str) -> Response:
    return _read(file).response()


@cache
def _read(file: str) -> Document:
    """A file of the wheel, once for all gateways of this process and only if it is wanted."""
    body, kind = (ASSETS / file).read_bytes(), FILES[file]
    return Document(body, f"{kind}; charset=utf-8", A_DAY)
