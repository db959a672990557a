"""Every way this gateway can fail, and the HTTP answer each one becomes.

GatewayError
├── InvalidRequest            400  the caller's mistake; no upstream call is made
│   ├── BodyTooLarge          413
│   ├── UnsupportedMediaType  415
│   ├── MethodNotAllowed      405
│   ├── RequestTimeout        408  the request did not arrive whole in time
│   ├── TargetTooLong         414
│   └── HeadersTooLarge       431
├── Unauthorized              401  an operator's route, asked without the operator's token
├── NotFound                  404  unknown route, or upstream proved that it is not there
├── RateLimited               429
├── UpstreamError             502  upstream answered nonsense
│   └── UpstreamChanged       502  upstream's layout moved: our parser no longer fits
│       ├── UpstreamPage      502  upstream answered with a page for people: consent or a captcha
│       └── ImplausibleAnswer 502  upstream answered with far less than before
├── UpstreamUnavailable       503  upstream could not be reached
│   ├── UpstreamBlocked       503  upstream told us to stay away: not asked again at once
│   └── UpstreamPaused        503  upstream fails or refuses: left alone for now, nothing was asked
├── Overloaded                503  no permit is free here
│   └── Draining              503  this process is about to end
├── NotFetched                503  nobody has asked for this, and who looks fetches nothing
├── UpstreamTimeout           504  the deadline passed
└── InternalError             500  a bug of ours
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar, Self


class GatewayError(Exception):
    """A failure a caller may see: `detail` is one public sentence, never an upstream's text.

    Units: seconds. `asked_wait_sec` is what the upstream asked for, None where it did not;
           `retry_after_sec` is what the caller is told, None where a retry makes no sense.
           `is_remembered` tells that nothing was asked now: an earlier failure still stands.
           `headers` go with its answer. `meaning` and `remedy` are what the documents say: when
           it comes, and what a client does about it.
           `is_unasked` tells that we did not ask: no verdict on what was wanted, so nothing to
           remember. `turned_away` is the priority of the work that was not done for want of room,
           0 is the most urgent: whoever is more urgent asks for himself. `calls` is how many
           upstream calls were made in vain. `upstream` is the name of the one that failed.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    meaning: ClassVar[str] = ""
    remedy: ClassVar[str] = ""
    is_unasked: ClassVar[bool] = False
    default_detail: ClassVar[str] = "The gateway failed."
    default_retry_after_sec: ClassVar[float | None] = None
    headers: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(
        self, detail: str = "", *, retry_after_sec: float | None = None, turned_away: int = 0
    ) -> None:
        self.detail = detail or self.default_detail
        super().__init__(self.detail)
        # A wait of our own making must not hold back any key.
        self.asked_wait_sec = None if self.is_unasked else retry_after_sec
        self.retry_after_sec = (
            self.default_retry_after_sec if retry_after_sec is None else retry_after_sec
        )
        self.is_remembered = False
        self.turned_away = turned_away
        self.calls = 0
        self.upstream = ""

    def __copy__(self) -> Self:
        """The same failure without its traceback, whatever its constructor asks for."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin


class InvalidRequest(GatewayError):
    """The caller's mistake: the sentence says what is allowed."""

    status = 400
    code = "invalid_request"
    meaning = "a parameter, id or body is not acceptable; the detail says what is allowed"
    remedy = "mend what the detail names; the same request fails again"
    default_detail = "The request is not valid."


class BodyTooLarge(InvalidRequest):
    """The request body exceeds the limit."""

    status = 413
    code = "body_too_large"
    meaning = "the request body is larger than 64 KiB"
    remedy = "send less at once: split a batch"
    default_detail = "The request body may hold at most 65536 bytes."


class UnsupportedMediaType(InvalidRequest):
    """A POST that is not JSON."""

    status = 415
    code = "unsupported_media_type"
    meaning = "a POST needs `Content-Type: application/json`"
    remedy = "send the body as JSON and say so in `Content-Type`"
    default_detail = "Send the body as application/json."


class MethodNotAllowed(InvalidRequest):
    """A route asked for with a method that it does not take."""

    status = 405
    code = "method_not_allowed"
    meaning = "the route exists, the method does not; `Allow` lists those that do"
    remedy = "use a method that `Allow` lists"
    default_detail = "This method is not allowed here."


class RequestTimeout(InvalidRequest):
    """A request that did not arrive whole in time."""

    status = 408
    code = "request_timeout"
    retryable = True
    meaning = "the request did not arrive whole within five seconds"
    remedy = "send it again on a new connection, all of it at once"
    default_detail = "The request must arrive whole within 5 seconds."
    default_retry_after_sec = 1.0


class TargetTooLong(InvalidRequest):
    """Path and query exceed the limit."""

    status = 414
    code = "target_too_long"
    meaning = "path and query are longer than 8,000 bytes"
    remedy = "shorten the query, or use the POST twin where there is one"
    default_detail = "Path and query may hold at most 8000 bytes."


class HeadersTooLarge(InvalidRequest):
    """The headers exceed the limit."""

    status = 431
    code = "headers_too_large"
    meaning = "the request's headers are larger than 16 KiB, or more than 100"
    remedy = "send fewer or shorter headers; cookies are not needed here"
    default_detail = "The headers may hold at most 16384 bytes in 100 lines."


class Unauthorized(GatewayError):
    """Credentials that are needed and missing, or wrong."""

    status = 401
    code = "unauthorized"
    meaning = (
        "an administrative route needs `Authorization: Bearer` and the right token,"
        " or there is no such `X-API-Key`"
    )
    remedy = "check the key or the token; without `X-API-Key` the music is served as well"
    default_detail = "Send the operator's token as a bearer token."
    headers = (("WWW-Authenticate", "Bearer"),)


class UnknownApiKey(Unauthorized):
    """A key that is none: served without it, a client would learn of its typo by the lower limit.

    Source: RFC 9110 section 15.5.2 wants a challenge; there is no registered one for such keys.
    """

    default_detail = "There is no such API key; without the header you are served as well."
    headers = (("WWW-Authenticate", "X-API-Key"),)


class NotFound(GatewayError):
    """Absence: an unknown route, or an upstream that says so.

    Only a `proven` absence may displace a stored answer.
    """

    status = 404
    code = "not_found"
    meaning = "unknown route, or the upstream says authoritatively that it is not there"
    remedy = (
        "check path and id; else show that it is not there, for as long as `Cache-Control` says"
    )
    default_detail = "Not found."

    def __init__(self, detail: str = "", *, proven: bool = True) -> None:
        super().__init__(detail)
        self.proven = proven


class RateLimited(GatewayError):
    """The caller asked more often than its limit allows."""

    status = 429
    code = "rate_limited"
    retryable = True
    meaning = "too many requests of this client, or too many at a time"
    remedy = "wait `Retry-After` seconds, then go on slower; `RateLimit` tells what is left"
    default_detail = "Too many requests."
    default_retry_after_sec = 1.0


class UpstreamFailure(GatewayError):
    """A transient failure of an upstream: it never replaces a stored answer."""

    retryable = True
    default_retry_after_sec = 1.0


class UpstreamError(UpstreamFailure):
    """Upstream answered, but with an error of its own or with nonsense."""

    status = 502
    code = "upstream_error"
    meaning = "an upstream answered with an error and nothing usable is stored"
    remedy = "show what you have; wait `Retry-After` seconds, then longer, three times at most"
    default_detail = "An upstream answered with an error."


class UpstreamChanged(UpstreamError):
    """Upstream answered in a layout that our parsers do not know."""

    code = "upstream_changed"
    meaning = "an upstream answered in an unknown layout and nothing usable is stored"
    remedy = "show what you have; a retry in minutes may help, one in seconds hardly"
    default_detail = "An upstream answered in a form this gateway does not know."


class UpstreamPage(UpstreamChanged):
    """Upstream answered with a page made for people where an answer was due: it refuses robots."""

    default_detail = "An upstream answered with a page made for people."


class ImplausibleAnswer(UpstreamChanged):
    """Upstream answered well-formed, but so much poorer than before that it is not believed yet."""

    default_detail = "An upstream answered with far less than before."


class UpstreamUnavailable(UpstreamFailure):
    """Upstream refused the connection, blocked us, or asked us to come back later."""

    status = 503
    code = "upstream_unavailable"
    meaning = "an upstream refuses, blocks or cannot be reached and nothing usable is stored"
    remedy = "show what you have and wait `Retry-After` seconds: as long as the upstream asks for"
    default_detail = "An upstream is unavailable."


class UpstreamBlocked(UpstreamUnavailable):
    """Upstream told us to stay away (403, 429, Retry-After): it is not asked again at once."""


class UpstreamPaused(UpstreamUnavailable):
    """Upstream fails or refuses: it is left alone for a while, and was not asked."""

    is_unasked = True
    default_detail = "An upstream is left alone for a while."


class UpstreamTimeout(UpstreamFailure):
    """The deadline passed; the flight goes on, so that the retry may hit."""

    status = 504
    code = "upstream_timeout"
    meaning = "the deadline passed; the fetch goes on and a retry may hit"
    remedy = "ask the same again: the first fetch goes on, and its answer waits for you"
    default_detail = "An upstream did not answer in time."


class Overloaded(GatewayError):
    """No permit was free; nothing was queued."""

    status = 503
    code = "overloaded"
    retryable = True
    meaning = "all permits for cold requests are taken"
    is_unasked = True
    remedy = "wait `Retry-After` seconds and some chance, so that not all come back at once"
    default_detail = "The gateway is busy."
    default_retry_after_sec = 1.0


class Draining(Overloaded):
    """This process finishes what runs and takes nothing new; another one answers the retry."""

    code = "draining"
    meaning = "this instance is about to end; a retry reaches another one"
    remedy = "ask again on a new connection"
    default_detail = "The gateway is being replaced."


class NotFetched(GatewayError):
    """A section that is looked at, and that nobody has fetched or fetches now."""

    status = 503
    code = "not_fetched"
    retryable = True
    meaning = "a section of a track was looked at only, and nobody has asked for it"
    remedy = "`GET /track/<videoId>`: that starts what is missing"
    is_unasked = True
    default_detail = "Nobody fetches this now: GET the track itself."
    default_retry_after_sec = 1.0


class InternalError(GatewayError):
    """A bug of ours: the log holds the trace, the answer does not."""

    code = "internal"
    meaning = "a bug of this gateway"
    remedy = "do not retry; report `requestId` to whoever runs this gateway"
    default_detail = "The gateway failed on this request."


#: The error table: what README documents and the contract tests walk over.
ERRORS: tuple[type[GatewayError], ...] = (
    InvalidRequest,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    BodyTooLarge,
    TargetTooLong,
    UnsupportedMediaType,
    RateLimited,
    HeadersTooLarge,
    InternalError,
    UpstreamError,
    UpstreamChanged,
    UpstreamUnavailable,
    Overloaded,
    Draining,
    NotFetched,
    UpstreamTimeout,
)


_BY_STATUS = {error.status: error for error in reversed(ERRORS)}


def kind_of(status: int) -> type[GatewayError]:
    """The error for a status that a library chose; 501 is a coding of the caller's."""
    is_callers = status < 500 or status == HTTPStatus.NOT_IMPLEMENTED
    return _BY_STATUS.get(status, InvalidRequest if is_callers else InternalError)


def error_body(error: GatewayError, *, instance: str, request_id: str) -> dict[str, Any]:
    """The one JSON body of every failure.

    Shape:  {"error": "404 Not Found: …", "type": …, "title": …, "status": 404, "detail": …,
             "instance": "/song/…", "code": "not_found", "retryable": false, "requestId": …}
    Source: RFC 9457 beside the first system's `error` string.
    """
    title = HTTPStatus(error.status).phrase
    return {
        "error": f"{error.status} {title}: {error.detail}",
        "type": f"/errors#{error.code}",
        "title": title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "retryable": error.retryable,
        "requestId": request_id,
    }
