"""One HTTP session for all upstreams: a total deadline, a size cap, no way off the allow-list."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.poolmanager import PoolManager
from urllib3.util.ssl_ import create_urllib3_context

from cutoff import cuttable, wants_fresh
from deadline import time_left
from decoding import TooLarge, unpacked
from errors import (
    GatewayError,
    NotFound,
    UpstreamBlocked,
    UpstreamChanged,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from wire import deadline_passed, is_no_http, leads_inside, retry_after_sec, was_dropped

CHUNK_BYTES = 64 * 1024
CONNECT_TIMEOUT_SEC = 2.0
MAX_REDIRECTS = 3
#: The library reads a hundred lines of 64 KiB; no real answer has more than a few KiB.
MAX_HEADER_BYTES = 64 * 1024


@contextmanager
def _waiting(sock: socket.socket) -> Iterator[None]:
    """One operation: it ends with its call's deadline, and when its try is cut off."""
    sock.settimeout(time_left())
    with cuttable(sock):
        yield


class _DeadlineSocket(socket.socket):
    """Each operation gets what is left of the call: a dripping upstream cannot renew its time."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        with _waiting(self):
            return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        with _waiting(self):
            return super().sendall(*args, **kwargs)


class _DeadlineTlsSocket(ssl.SSLSocket):
    """The same law over TLS, the handshake included."""

    def do_handshake(self, block: bool = False) -> None:
        with _waiting(self):
            super().do_handshake(block)

    def read(self, *args: Any, **kwargs: Any) -> Any:
        with _waiting(self):
            return super().read(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        with _waiting(self):
            return super().send(*args, **kwargs)


def _connected(connection: HTTPConnection) -> socket.socket:
    """A socket to the first of the name's addresses that takes it.

    As urllib3 does it, which keeps the socket to itself until it is connected: a lost SYN costs a
    second, so whoever connects must be one who can be cut off. Nor does each of many addresses
    that stay silent get a time of its own beyond the call's.
    Raises: OSError.
    """
    failure = OSError("the name has no address")
    found = socket.getaddrinfo(connection._dns_host, connection.port, type=socket.SOCK_STREAM)
    for family, kind, proto, _, address in found:
        sock = _DeadlineSocket(family, kind, proto)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(min(CONNECT_TIMEOUT_SEC, time_left()))
            with cuttable(sock):
                sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        try:
            return _connected(self)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "not connected in time") from error
        except OSError as error:
            raise NewConnectionError(self, "not connected") from error


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _OutwardConnection(_TlsConnection):
    """One that ends before a byte is sent where a public name leads inside."""

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        if leads_inside(connected.getpeername()[0]):
            connected.close()
            raise NewConnectionError(self, "a public name with an address inside")
        return connected


class _PoolOrFresh(HTTPConnectionPool):
    """A second try exists because a connection may be stuck: it takes none of those at hand.

    Its own is closed, not kept.
    """

    def _get_conn(self, timeout: float | None = None) -> Any:
        return self._new_conn() if wants_fresh() else super()._get_conn(timeout)

    def _put_conn(self, conn: Any) -> None:
        if not wants_fresh():
            super()._put_conn(conn)
        elif conn is not None:
            conn.close()


class _Pool(_PoolOrFresh):
    ConnectionCls = _Connection


class _TlsPool(_PoolOrFresh, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _OutwardPool(_TlsPool):
    ConnectionCls = _OutwardConnection


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
    #: Paths where a 400 is an answer: its body says what is wrong with the question.
    explains_400: tuple[str, ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether it is asked where it really is, and not where an operator put another."""
        return self.base_url.rstrip("/") == self.origin

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
        tls_pool = _OutwardPool if self._site.is_public else _TlsPool
        manager.pool_classes_by_scheme = {"http": _Pool, "https": tls_pool}

    def send(  # type: ignore[override]  # requests types six keywords we pass through
        self, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        """The answer, read to its end.

        Raises: NotFound, UpstreamError, UpstreamUnavailable, UpstreamTimeout.
        """
        sent = request.copy()
        sent.url = self._site.real_url(request.url or "")
        sent.headers["Accept-Encoding"] = "gzip"
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
                if not was_dropped(error):
                    raise
                # The site closed a pooled connection while it was idle: nothing was answered,
                # so the same question goes out once more, within the same deadline.
                return self._read(request, kwargs)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise self._verdict(error) from error

    def _verdict(self, error: Exception) -> GatewayError:
        """What an exchange that broke means; a ValueError is an encoding or a chunk that lies."""
        if isinstance(error, requests.Timeout) or deadline_passed(error):
            return UpstreamTimeout(f"{self._site.name} did not answer in time.")
        is_network = isinstance(error, requests.RequestException | HTTPError | OSError)
        if is_no_http(error) or isinstance(error, DecodeError) or not is_network:
            return self._nonsense()
        return UpstreamUnavailable(f"{self._site.name} could not be reached.")

    def _nonsense(self) -> UpstreamChanged:
        """Not worth another try: the same question would bring the same."""
        return UpstreamChanged(f"{self._site.name} answered with what is no answer.")

    def _read(self, request: requests.PreparedRequest, kwargs: dict[str, Any]) -> requests.Response:
        response = super().send(request, **kwargs | {"stream": True, "timeout": time_left()})
        try:
            self._check_head(response)
            body = self._read_body(response)
        except BaseException:
            response.raw.close()  # a half-read connection must not return to the pool
            raise
        response._content = body  # what requests itself does when not streaming
        response._content_consumed = True  # type: ignore[attr-defined]
        response.encoding = "utf-8"
        return response

    def _check_head(self, response: requests.Response) -> None:
        """A preliminary answer is none: the real one would be taken for the next question's."""
        size = sum(len(name) + len(value) for name, value in response.raw.headers.items())
        if response.status_code < 200 or size > MAX_HEADER_BYTES:
            raise self._nonsense()

    def _read_body(self, response: requests.Response) -> bytes:
        most, packed = self._site.max_body_bytes, bytearray()
        encoding = response.headers.get("content-encoding", "").strip().lower()
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
            packed += chunk
            if len(packed) > most:
                raise self._too_large()
        try:
            return unpacked(bytes(packed), encoding, most)
        except TooLarge:
            raise self._too_large() from None

    def _too_large(self) -> UpstreamChanged:
        return UpstreamChanged(f"{self._site.name} answered with too large a body.")

    def _check_redirect(self, response: requests.Response) -> None:
        if not response.is_redirect:
            return
        if _origin_of(response.url, response.headers["location"]) != self._site.origin:
            # A consent page, a captcha or a login: never followed.
            raise UpstreamBlocked(f"{self._site.name} sent us to another site.")


def _origin_of(url: str, location: str) -> str:
    """Where a redirect leads; nowhere, when it is no address."""
    try:
        target = urlsplit(urljoin(url, location))
    except ValueError:
        return ""
    return f"{target.scheme}://{target.netloc}"


def check_status(site: Site, response: requests.Response) -> None:
    """Nothing for an answer that may be parsed; a typed error for all others.

    Raises: NotFound — the site itself says so; UpstreamBlocked — 403, 429, a challenge or a
            Retry-After; UpstreamUnavailable — 503; UpstreamError — whatever else is no success.
    """
    status = response.status_code
    if "cf-mitigated" in response.headers:
        # Cloudflare's mark on a page that wants to see a browser, whatever its status.
        raise UpstreamBlocked(f"{site.name} asks for a browser.")
    path = urlsplit(response.url).path
    if status < 300 or response.is_redirect or (status == 400 and path in site.explains_400):
        return
    raise _error_of(site, status, response.headers, path)


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
