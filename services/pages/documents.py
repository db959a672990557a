"""Pages and the files they load: read once, packed by flask-compress, checked again by ETag."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cachelib import SimpleCache
from flask import Flask, Request, Response, request
from flask_compress import Compress

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
    policy: str
    cache_control: str = "no-cache"

    def response(self) -> Response:
        """The file, or 304 for who has it."""
        own = {"Content-Security-Policy": self.policy}
        headers = [(name, own.get(name, value)) for name, value in SECURITY]
        response = Response(self.body, content_type=self.content_type, headers=headers)
        response.headers["Cache-Control"] = self.cache_control
        response.add_etag()
        response.make_conditional(request)
        return response


class Documents:
    """Mounts folders of files; what was packed once is kept."""

    def __init__(self, app: Flask) -> None:
        app.config.update(
            COMPRESS_REGISTER=False,
            COMPRESS_CACHE_BACKEND=lambda: SimpleCache(threshold=0, default_timeout=0),
            COMPRESS_CACHE_KEY=_name_of,
        )
        self._app = app
        self._compress = Compress(app)
        self._lay_out_root()

    def open(self, name: str, policy: str = POLICY) -> View:
        """The page of this name, whose other files are served under /assets/<name>/<version>/."""
        files = _files_of(HERE / name)
        index = files.pop(INDEX)
        version = _version_of(files)
        for file, body in files.items():
            document = Document(body, _type_of(file), policy)
            view = self._versioned(document, version)
            self._app.add_url_rule(f"/assets/{name}/<version>/{file}", f"{name}/{file}", view)
        here = f"/assets/{name}/".encode()
        page = index.replace(here, here + version.encode() + b"/")
        return self.packed(Document(page, _type_of(INDEX), policy).response)

    def _versioned(self, document: Document, current: str) -> Callable[[str], Response]:
        """The file; under another version, as while instances are replaced, not to be kept."""
        unsure = self.packed(document.response)
        sure = self.packed(replace(document, cache_control=FOREVER).response)

        def view(version: str) -> Response:
            return sure() if version == current else unsure()

        return view

    def _lay_out_root(self) -> None:
        """What browsers and crawlers ask for unasked lies where they look for it."""
        for file, body in _files_of(HERE / ROOT).items():
            view = self.packed(Document(body, _type_of(file), POLICY).response)
            self._app.add_url_rule(f"/{file}", file, view)

    def packed(self, view: View) -> View:
        """The same view, compressed for who takes that."""
        packed: View = self._compress.compressed()(view)
        return packed


def prefers_page() -> bool:
    """Whether whoever asks would rather have a page: a browser says so, nobody else does."""
    return request.accept_mimetypes.best_match(("application/json", HTML)) == HTML


def _files_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder and of those in it, by their path in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _version_of(files: dict[str, bytes]) -> str:
    """The same for the same files."""
    return hashlib.blake2b(b"".join(files.values()), digest_size=6).hexdigest()


def _type_of(file: str) -> str:
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _name_of(asked: Request) -> str:
    """The file, however its version is spelled: there are as many as there are routes."""
    return asked.endpoint or ""
