"""Which pages may read the answers: flask-cors's rules, worked out once for each origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_cors.core import DEFAULT_OPTIONS, get_cors_headers, serialize_options
from werkzeug.datastructures import Headers as SentHeaders

from services.responses import SECURITY, Answer, Headers, lines_of
from services.traffic import ROUTE

ANY = "*"
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
#: What a page may read beside the few headers that it always may (Fetch, section 3.2.3).
EXPOSED = (
    "Age", "Cache-Status", "ETag", "Link", "Location", "Preference-Applied", "RateLimit",
    "RateLimit-Policy", "Retry-After", "Server-Timing", "X-Cache", "X-Data-Missing",
    "X-Data-Partial", "X-Data-Stale", "X-RateLimit-Limit", "X-RateLimit-Remaining",
    "X-RateLimit-Reset", "X-Request-ID", "X-Total-Count",
)  # fmt: skip
#: How long a browser need not ask again; those of today cut it to two hours.
PREFLIGHT_SEC = 86_400
#: A known origin costs one look-up; whoever invents many makes room for nobody.
MOST_ORIGINS = 256
ORIGIN = "HTTP_ORIGIN"
WANTED_METHOD = "HTTP_ACCESS_CONTROL_REQUEST_METHOD"
WANTED_HEADERS = "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"


class Cors(dict[str | None, str]):
    """The headers of an answer, as lines, by the Origin that came with the request.

    No cookie and no credential ever counts, so that any page may be let in.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        super().__init__()
        self._is_open = ANY in origins
        self._options = serialize_options(
            DEFAULT_OPTIONS
            | {
                "origins": list(origins),
                "methods": METHODS,
                "expose_headers": EXPOSED,
                "send_wildcard": True,
                "always_send": self._is_open,
                "max_age": PREFLIGHT_SEC,
                "vary_header": False,
            }
        )

    def __missing__(self, origin: str | None) -> str:
        """Work out what an origin that was not seen lately gets."""
        if len(self) >= MOST_ORIGINS:
            self.clear()
        lines = self[origin] = lines_of(self._answered("GET", {"Origin": origin or ""}))
        return lines

    def _answered(self, method: str, sent: Mapping[str, str]) -> Headers:
        found = get_cors_headers(self._options, SentHeaders(sent), method)
        headers = [(name, str(value)) for name, value in found.items()]
        if allowed := found.get("Access-Control-Allow-Origin"):
            headers.append(("Timing-Allow-Origin", str(allowed)))
        # Who is refused too: a shared cache must not hand that answer to somebody who is not.
        return headers if self._is_open else [*headers, ("Vary", "Origin")]

    def preflight(self, environ: dict[str, Any]) -> Answer | None:
        """The answer to a browser that asks whether it may ask; None for all else.

        What every answer carries is added to this one too, so only the rest is here.
        """
        if not is_preflight(environ):
            return None
        environ[ROUTE] = "preflight"
        sent = {
            "Origin": environ.get(ORIGIN, ""),
            "Access-Control-Request-Method": environ[WANTED_METHOD],
            "Access-Control-Request-Headers": environ.get(WANTED_HEADERS, ""),
        }
        granted = self._answered("OPTIONS", sent)
        usual = self._answered("GET", sent)
        headers = [pair for pair in granted if pair not in usual]
        return "204 NO CONTENT", [*headers, ("Cache-Control", "no-store"), *SECURITY], b""


def is_preflight(environ: Mapping[str, Any]) -> bool:
    """Whether a browser asks for its page's sake whether it may send another request."""
    return WANTED_METHOD in environ and environ["REQUEST_METHOD"] == "OPTIONS"
