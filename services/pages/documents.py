"""Pages and the files they load: read once, packed by flask-compress, checked again by ETag."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
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
            COMPRESS_CACHE_KEY=_path_of,
        )
        self._app = app
        self._compress = Compress(app)
        self._lay_out_root()

    def open(self, name: str, policy: str = POLICY) -> View:
        """The page of this name, whose other files are served under /assets/<name>/."""
        views = self._views(HERE / name, policy)
        page = views.pop("index.html")
        for file, view in views.items():
            self._app.add_url_rule(f"/assets/{name}/{file}", f"{name}/{file}", view)
        return page

    def _lay_out_root(self) -> None:
        """What browsers and crawlers ask for unasked lies where they look for it."""
        for file, view in self._views(HERE / ROOT, POLICY).items():
            self._app.add_url_rule(f"/{file}", file, view)

    def _views(self, folder: Path, policy: str) -> dict[str, View]:
        """The files of a folder and of those in it, by their path in it."""
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): self.view(path, policy) for path in files}

    def view(self, path: Path, policy: str = POLICY) -> View:
        """A view of one file."""
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        text = "; charset=utf-8" if kind.startswith("text/") else ""
        return self.packed(Document(path.read_bytes(), kind + text, policy).response)

    def packed(self, view: View) -> View:
        """The same view, compressed for who takes that."""
        packed: View = self._compress.compressed()(view)
        return packed


def prefers_page() -> bool:
    """Whether whoever asks would rather have a page: a browser says so, nobody else does."""
    return request.accept_mimetypes.best_match(("application/json", HTML)) == HTML


def _path_of(asked: Request) -> str:
    return asked.path
