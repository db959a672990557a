"""Pages and the files they load: read once, packed by flask-compress, checked again by ETag."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from cachelib import SimpleCache
from flask import Flask, Request, Response, request
from flask_compress import Compress

from errors import NotFound
from services.responses import SECURITY

HERE = Path(__file__).parent
#: A page loads what lies beside it and asks this gateway; only pictures come from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HTML = "text/html"
ROOT = "root"
INDEX = "index.html"
#: A page names its files by their version, so that a visit loads what has changed.
FOREVER = "public, max-age=31536000, immutable"

View = Callable[[], Response]


@dataclass(frozen=True, slots=True)
class Document:
    """One file as it is answered; unless told, browsers keep it but never use it without asking."""

    body: bytes
    content_type: str
    cache_control: str = "no-cache"

    def response(self) -> Response:
        """The file, or 304 for who has it."""
        response = Response(self.body, content_type=self.content_type, headers=SECURITY)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = self.cache_control
        response.add_etag()
        response.make_conditional(request)
        return response


class Documents:
    """Mounts folders of files; what was packed once is kept."""

    def __init__(self, app: Flask) -> None:
        app.config.update(
            COMPRESS_REGISTER=False,
            COMPRESS_ALGORITHM=["br", "gzip"],
            COMPRESS_BR_LEVEL=5,
            COMPRESS_CACHE_BACKEND=lambda: SimpleCache(threshold=0, default_timeout=0),
            COMPRESS_CACHE_KEY=_name_of,
        )
        self._app = app
        self._compress = Compress(app)
        self._lay_out_root()

    def open(self, name: str) -> View:
        """The page of this name, whose other files are served under /assets/<name>/<version>/."""
        documents = documents_of(name)
        version = version_of(name)

        def file(named: str, file: str) -> Response:
            """Under another version, as while instances are replaced, it is not to be kept."""
            document = documents.get(file)
            if document is None or file == INDEX:
                raise NotFound
            is_sure = named == version
            kept = replace(document, cache_control=FOREVER) if is_sure else document
            return self.packed(kept.response)()

        self._app.add_url_rule(f"/assets/{name}/<named>/<path:file>", f"{name}_files", file)
        index, here = documents[INDEX], f"/assets/{name}/".encode()
        page = index.body.replace(here, here + version.encode() + b"/")
        return self.packed(replace(index, body=page).response)

    def _lay_out_root(self) -> None:
        """What browsers and crawlers ask for unasked lies where they look for it."""
        for file, document in documents_of(ROOT).items():
            self._app.add_url_rule(f"/{file}", file, self.packed(document.response))

    def packed(self, view: View) -> View:
        """The same view, compressed for who takes that."""
        packed: View = self._compress.compressed()(view)
        return packed


def prefers_page() -> bool:
    """Whether whoever asks would rather have a page: a browser says so, nobody else does."""
    return request.accept_mimetypes.best_match(("application/json", HTML)) == HTML


@cache
def documents_of(name: str) -> Mapping[str, Document]:
    """The files of a folder and of those in it, by their path in it: read once a process."""
    folder = HERE / name
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    return {
        name: Document(path.read_bytes(), _type_of(name))
        for name, path in zip(names, files, strict=True)
    }


@cache
def version_of(name: str) -> str:
    """The same for the same files."""
    bodies = [document.body for document in documents_of(name).values()]
    return hashlib.blake2b(b"".join(bodies), digest_size=6).hexdigest()


def _type_of(file: str) -> str:
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _name_of(asked: Request) -> str:
    """The file, however its version is spelled: there are only so many."""
    return f"{asked.endpoint} {(asked.view_args or {}).get('file', '')}"
