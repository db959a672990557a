"""Requests read strictly: whatever two servers could read differently is refused."""

from __future__ import annotations

import re

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest

from errors import (
    GatewayError,
    HeadersTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    TargetTooLong,
    kind_of,
)
from services.limits.reception import Visit

MAX_TARGET_BYTES = 8000
MAX_HEADER_BYTES = 16 * 1024
MAX_HEADERS = 100

REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) ([!-~]+) HTTP/1\.([01])")
#: Origin form, whole percent escapes, no fragment; with two slashes it could be read as a host.
TARGET = re.compile(rb"/(?!/)(?:[!\"$&-~]|%[0-9A-Fa-f]{2})*")
#: No line folding, no space before the colon, no control character but the tab.
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,255}")
LENGTH = re.compile(rb"[0-9]{1,10}")
ACCEPT = re.compile(rb"(?i)\r\nAccept:[ \t]*([^\r\n]*)")
BARE_LF = re.compile(rb"(?<!\r)\n")
#: Sent twice, each of these could be read in two ways.
SINGLE = frozenset(
    (b"authorization", b"content-length", b"content-type", b"expect", b"host", b"transfer-encoding")
)
BAD_FRAME = "The body must be framed as HTTP/1.1 says."
#: Methods that echo or tunnel: never for a gateway.
NEVER = frozenset((b"TRACE", b"CONNECT"))
BODY_METHOD = b"POST"
#: What else a route may take; with any other method the body is not what is wrong.
BODILESS = frozenset((b"GET", b"HEAD", b"OPTIONS"))


class StrictParser(HTTPRequestParser):  # type: ignore[misc]  # Waitress is not typed
    """Waitress's parser behind the checks that it lacks.

    Source: Waitress 3.0.2 goes on after Content-Length with Transfer-Encoding, and takes a doubled
            Host, Transfer-Encoding or Content-Type.
    """

    #: Whether more came behind it: it is answered, the rest is not.
    is_last = False
    #: What was found out about the client, before a worker is asked.
    visit: Visit
    _refusal: GatewayError | None = None

    def received(self, data: bytes) -> int:
        """Take what came, as far as it belongs to this request; how many bytes."""
        taken: int = super().received(data)
        if not self.headers_finished and BARE_LF.search(self.header_plus):
            self._refuse(InvalidRequest("Each line of the head must end with CR LF."))
        return taken

    def _refuse(self, error: GatewayError) -> None:
        """Before the head is whole: what follows makes it no better."""
        self._refusal = error
        self.error = BadRequest("refused")
        self.completed = True

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, once it is whole.

        Raises: ParsingError — Waitress's word for a request that is none.
        """
        try:
            check_head(header_plus)
        except GatewayError as error:
            self._refusal = error
            if accept := ACCEPT.search(header_plus):  # all that is believed of such a head
                self.headers["ACCEPT"] = accept[1].decode("latin-1")
            raise ParsingError("refused") from None
        super().parse_header(header_plus)

    @property
    def refusal(self) -> GatewayError | None:
        """Why the request is not answered; None for one that is fine."""
        if self._refusal is not None or self.error is None:
            return self._refusal
        kind = kind_of(self.error.code)
        return kind(BAD_FRAME if kind is InvalidRequest else "")


def check_head(head: bytes) -> None:
    """Nothing for the head of a request that every server reads alike.

    Raises: GatewayError — what is wrong with it.
    """
    line, _, rest = head.partition(b"\r\n")
    method, is_new = checked_line(line)
    headers = _checked_headers(rest)
    if is_new or b"host" in headers:
        _check_host(headers.get(b"host"))
    _check_framing(headers, method, is_new=is_new)


def checked_line(line: bytes) -> tuple[bytes, bool]:
    """The method, and whether the version is 1.1.

    Raises: GatewayError — it is no request line.
    """
    parts = line.split(b" ")
    if len(parts) == 3 and len(parts[1]) > MAX_TARGET_BYTES:
        raise TargetTooLong
    start = REQUEST_LINE.fullmatch(line)
    if start is None:
        raise InvalidRequest("The request line must read `METHOD /path HTTP/1.1`.")
    method, target, minor = start.groups()
    if method in NEVER:
        raise MethodNotAllowed
    if TARGET.fullmatch(target) is None:
        raise InvalidRequest("The target must be a percent-encoded path with one leading slash.")
    return method, minor == b"1"


def _checked_headers(rest: bytes) -> dict[bytes, bytes]:
    """The headers that may come once, by lower-case name."""
    lines = rest.split(b"\r\n")
    if len(lines) > MAX_HEADERS + 2:  # the empty line that ends them counts twice
        raise HeadersTooLarge
    single: dict[bytes, bytes] = {}
    for line in filter(None, lines):
        header = HEADER.fullmatch(line)
        if header is None:
            raise InvalidRequest("Each header must be one line `Name: value`, in plain characters.")
        name = header[1].lower()
        if name not in SINGLE:
            continue
        if name in single:
            raise InvalidRequest(f"{name.decode().title()} may be given once.")
        single[name] = header[2].rstrip(b" \t")
    return single


def is_host(host: bytes | None) -> bool:
    """Whether a Host header names one."""
    return host is not None and HOST.fullmatch(host) is not None


def _check_host(host: bytes | None) -> None:
    if not is_host(host):
        raise InvalidRequest("The request needs one Host header that names a host.")


def _check_framing(headers: dict[bytes, bytes], method: bytes, *, is_new: bool) -> None:
    """A body has one length, told in one way, and only a POST has one."""
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if length is not None and LENGTH.fullmatch(length) is None:
        raise InvalidRequest("Content-Length must be a number of bytes.")
    if coding is not None:
        if length is not None or not is_new:
            raise InvalidRequest("Transfer-Encoding goes with HTTP/1.1 and no Content-Length.")
        if coding.lower() != b"chunked":
            raise InvalidRequest("Transfer-Encoding may only be chunked.")
    if method != BODY_METHOD and (coding is not None or int(length or 0)):
        if method not in BODILESS:
            raise MethodNotAllowed
        raise InvalidRequest("Only a POST carries a body.")
    if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise InvalidRequest("Expect may only be 100-continue.")
