"""What most requests are, one whole GET without a body, read in a microsecond or two."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote_to_bytes

from errors import GatewayError
from services.hit_path import Environ
from services.server.strict import HEADER, MAX_HEADERS, checked_line, is_host

HEAD_END = b"\r\n\r\n"
#: What is longer is not read here: lines are remembered, so that they must not be long.
LONGEST_HEAD_BYTES = 4096
MOST_LINES = 1024

#: Headers that a plain GET has once at most, and what a WSGI environment calls them; whatever is
#: not here changes nothing about a hit, nor about a refusal.
COUNTED = (
    b"accept", b"accept-encoding", b"authorization", b"content-type", b"host", b"if-none-match",
    b"origin", b"user-agent", b"x-api-key", b"x-forwarded-for", b"x-request-id",
)  # fmt: skip
NAMES = {name: f"HTTP_{name.decode().upper().replace('-', '_')}" for name in COUNTED}
#: With one of these it is no plain one.
NOT_PLAIN = frozenset((b"content-length", b"expect", b"prefer", b"transfer-encoding", b"upgrade"))
#: What an odd line becomes: a name that is taken already, so that the members do not add up.
ODD = ("REQUEST_METHOD", "")


def plain_get(request: bytes) -> Environ | None:
    """As much of a WSGI environment as a hit needs; None for what has to be looked at closely.

    Whatever passes here would pass `StrictParser`: the same patterns judge it, but each line only
    the first time. Clients repeat nearly all of theirs; what proxies make anew for each request
    costs a microsecond a line.
    """
    if request.find(HEAD_END) != len(request) - 4 or len(request) > LONGEST_HEAD_BYTES:
        return None
    line, *lines = request[:-4].split(b"\r\n")
    headers = [*filter(None, map(_header, lines))]
    asked = _asked(line)
    environ = dict((*asked, *headers))
    is_plain = len(environ) == len(asked) + len(headers) and len(lines) <= MAX_HEADERS
    return environ if is_plain and asked and "HTTP_HOST" in environ else None


@lru_cache(MOST_LINES)
def _asked(line: bytes) -> tuple[tuple[str, str], ...]:
    """What a request line says; nothing for one that is no GET of HTTP/1.1."""
    try:
        method, is_new = checked_line(line)
    except GatewayError:
        return ()
    if method != b"GET" or not is_new:
        return ()
    target = line.split(b" ")[1]
    path = unquote_to_bytes(target.partition(b"?")[0]).decode("latin-1")
    return ("REQUEST_METHOD", "GET"), ("REQUEST_URI", target.decode()), ("PATH_INFO", path)


@lru_cache(MOST_LINES)
def _header(line: bytes) -> tuple[str, str] | None:
    """A header that counts, one that is odd, or None for all others."""
    header = HEADER.fullmatch(line)
    if header is None:
        return ODD
    name, value = header[1].lower(), header[2].rstrip(b" \t")
    is_closing = name == b"connection" and value.lower() != b"keep-alive"
    if name in NOT_PLAIN or is_closing or (name == b"host" and not is_host(value)):
        return ODD
    return (NAMES[name], value.decode("latin-1")) if name in NAMES else None
