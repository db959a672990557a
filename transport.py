"""One HTTP session for all upstreams: a total deadline, a size cap, no way off the allow-list."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, HTTPException, IncompleteRead
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError
from urllib3.poolmanager import PoolManager
from urllib3.util.ssl_ import create_urllib3_context

from errors import (
    GatewayError,
    NotFound,
    UpstreamBlocked,
    UpstreamChanged,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

CHUNK_BYTES = 64 * 1024
CONNECT_TIMEOUT_SEC = 2.0
MAX_REDIRECTS = 3
#: A longer Retry-After is cut: an upstream must not be able to switch a key off for a day.
MAX_RETRY_AFTER_SEC = 300.0


class Deadline:
    """The moment after which nobody waits, on the monotonic clock.

    Units: seconds.
    """

    __slots__ = ("_monotonic", "at")

    def __init__(self, at: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.at = at
        self._monotonic = monotonic

    @classmethod
    def after(cls, sec: float, monotonic: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline `sec` seconds from now."""
        return cls(monotonic() + sec, monotonic)

    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.at - self._monotonic())

    def within(self, sec: float) -> Deadline:
        """The earlier of this deadline and `sec` seconds from now."""
        return Deadline(min(self.at, self._monotonic() + sec), self._monotonic)


_deadline: ContextVar[Deadline | None] = ContextVar("upstream_deadline", default=None)


@contextlib.contextmanager
def call_deadline(deadline: Deadline) -> Iterator[None]:
    """Every socket operation of this thread's calls ends with `deadline`, or with an outer one."""
    outer = _deadline.get()
    token = _deadline.set(outer if outer and outer.at < deadline.at else deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left() -> float:
    """Seconds the current call may still take.

    Raises: TimeoutError — none are left (urllib3 turns it into a read timeout).
    """
    deadline = _deadline.get()
    left = deadline.left() if deadline else CONNECT_TIMEOUT_SEC
    if left <= 0:
        raise TimeoutError("deadline passed")
    return left


class _DeadlineSocket(socket.socket):
    """Each operation gets what is left of the call: a dripping upstream cannot renew its time."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(time_left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(time_left())
        return super().sendall(*args, **kwargs)


class _DeadlineTlsSocket(ssl.SSLSocket):
    """The same law over TLS, the handshake included."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(time_left())
        super().do_handshake(block)

    def read(self, *args: Any, **kwargs: Any) -> Any:
        self.settimeout(time_left())
        return super().read(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(time_left())
        return super().send(*args, **kwargs)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        return _DeadlineSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


def _tls_context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.sslsocket_class = _DeadlineTlsSocket
    return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An upstream as the wire sees it.

    Units: `max_body_bytes` counts decoded bytes.
    """

    name: str
    origin: str
    base_url: str
    max_body_bytes: int
    pool_size: int
    speaks_json: bool = True
    user_agent: str = ""
    #: Paths that name a thing by its id: there, a 400 means that no such thing exists.
    asked_by_id: tuple[str, ...] = ()

    def real_url(self, url: str) -> str:
        """`url` as sent: the site's public origin replaced by its configured base."""
        return self.base_url.rstrip("/") + url.removeprefix(self.origin)


class SiteAdapter(HTTPAdapter):
    """Sends to one site, reads the whole answer, and raises a typed error for any bad status."""

    def __init__(self, site: Site) -> None:
        self._site = site
        super().__init__(pool_connections=2, pool_maxsize=site.pool_size)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools whose sockets know the deadline."""
        super().init_poolmanager(*args, ssl_context=_tls_context(), **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _Pool, "https": HTTPSConnectionPool}

    def send(  # type: ignore[override]  # requests types six keywords we pass through
        self, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        """The answer, read to its end.

        Raises: NotFound, UpstreamError, UpstreamUnavailable, UpstreamTimeout; UpstreamChanged — it
                cannot be read, or is too large.
        """
        sent = request.copy()
        sent.url = self._site.real_url(request.url or "")
        response = self._exchange(sent, kwargs)
        response.url, response.request = request.url or "", request
        self._check_redirect(response)
        check_status(self._site, response)
        return response

    def _exchange(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response:
        try:
            try:
                return self._read(request, kwargs)
            except requests.ConnectionError as error:
                if not _was_dropped(error):
                    raise
                # The site closed a pooled connection while it was idle: nothing was answered,
                # so the same question goes out once more, within the same deadline.
                return self._read(request, kwargs)
        except (requests.Timeout, TimeoutError) as error:
            raise UpstreamTimeout(f"{self._site.name} did not answer in time.") from error
        except (requests.RequestException, HTTPError, OSError) as error:
            if _deadline_passed(error):
                raise UpstreamTimeout(f"{self._site.name} did not answer in time.") from error
            if _is_nonsense(error):
                raise UpstreamChanged(f"{self._site.name} answered what is not HTTP.") from error
            raise UpstreamUnavailable(f"{self._site.name} could not be reached.") from error

    def _read(self, request: requests.PreparedRequest, kwargs: dict[str, Any]) -> requests.Response:
        left = time_left()
        options = kwargs | {"stream": True, "timeout": (min(CONNECT_TIMEOUT_SEC, left), left)}
        response = super().send(request, **options)
        try:
            body = self._read_body(response)
        except BaseException:
            response.raw.close()  # a half-read connection must not return to the pool
            raise
        response._content = body  # what requests itself does when not streaming
        response._content_consumed = True  # type: ignore[attr-defined]
        response.encoding = "utf-8"
        return response

    def _read_body(self, response: requests.Response) -> bytes:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            if size > self._site.max_body_bytes:
                # Asked again it would be as large: nothing that passes.
                raise UpstreamChanged(f"{self._site.name} answered with too large a body.")
            chunks.append(chunk)
        return b"".join(chunks)

    def _check_redirect(self, response: requests.Response) -> None:
        if not response.is_redirect:
            return
        target = urljoin(response.url, response.headers["location"])
        if f"{urlsplit(target).scheme}://{urlsplit(target).netloc}" != self._site.origin:
            # A consent page, a captcha or a login: never followed.
            raise UpstreamError(f"{self._site.name} sent us to another site.")


def _was_dropped(error: requests.ConnectionError) -> bool:
    """Whether the connection ended before a byte of the answer."""
    reason = error.args[0] if error.args else None
    if not isinstance(reason, ProtocolError) or reason.args[0] != "Connection aborted.":
        return False
    # The same words wrap what http.client could not read: that was an answer.
    return isinstance(reason.args[1], OSError)


def _is_nonsense(error: BaseException) -> bool:
    """Whether an answer came whole and cannot be read: too many headers, an unknown coding."""
    reason = error.args[0] if isinstance(error, requests.RequestException) and error.args else error
    cause = reason.args[-1] if isinstance(reason, ProtocolError) else reason
    if isinstance(cause, HTTPException):
        # Cut off in the middle, or the rest of another answer: a new connection may do better.
        return not isinstance(cause, (IncompleteRead, BadStatusLine))
    return isinstance(cause, DecodeError)


def _deadline_passed(error: BaseException) -> bool:
    """Whether a wrapped exception is, at its root, our socket's TimeoutError."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def check_status(site: Site, response: requests.Response) -> None:
    """Nothing for an answer that may be parsed; a typed error for all others.

    Raises: NotFound — the site itself says so; UpstreamBlocked — 403, 429 or a Retry-After;
            UpstreamUnavailable — 503; UpstreamError — anything else that is not a success.
    """
    status = response.status_code
    if status < 400:
        return
    raise _error_of(site, status, response.headers, urlsplit(response.url).path)


def _error_of(site: Site, status: int, headers: Mapping[str, str], path: str) -> GatewayError:
    is_json = "json" in headers.get("content-type", "")
    if status in (404, 410) and (is_json or not site.speaks_json):
        return NotFound(f"{site.name} does not have it.")
    if status == 400 and is_json and path in site.asked_by_id:
        # Our ids are well-formed, so a 400 means that no such thing exists; but YouTube has also
        # said it to clients it wanted to slow down: it must not displace a stored answer.
        return NotFound(f"{site.name} does not know it.", proven=False)
    wait = retry_after_sec(headers.get("retry-after"))
    if status in (403, 429) or wait is not None:
        return UpstreamBlocked(f"{site.name} refuses requests now.", retry_after_sec=wait)
    if status == 503:
        return UpstreamUnavailable(f"{site.name} is unavailable.")
    return UpstreamError(f"{site.name} answered with an error.")


def retry_after_sec(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a Retry-After header asks for, cut at five minutes; None when it says nothing.

    Source: RFC 9110 section 10.2.3: seconds or an HTTP date.
    """
    if value is None:
        return None
    try:
        sec = float(value) if value.strip().isdigit() else _seconds_until(value, now)
    except ValueError:
        return None
    return min(MAX_RETRY_AFTER_SEC, max(0.0, sec))


def _seconds_until(http_date: str, now: Callable[[], float]) -> float:
    return parsedate_to_datetime(http_date).timestamp() - now()


def open_session(sites: tuple[Site, ...]) -> requests.Session:
    """A session that reaches these sites and nothing else, keeps no cookies, reads no netrc."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = MAX_REDIRECTS
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    for site in sites:
        session.mount(site.origin, SiteAdapter(site))
    return session
