"""The only door to the outside: ytmusicapi, and everything that is asked."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from ytmusicapi import YTMusic
from ytmusicapi.exceptions import YTMusicServerError
from ytmusicapi.helpers import YTM_BASE_API, YTM_DOMAIN, initialize_headers
from ytmusicapi.navigation import MUSIC_SHELF, SECTION_LIST, TITLE_TEXT, nav

from cutoff import ended_by
from deadline import Deadline, call_deadline, time_left
from errors import (
    GatewayError,
    NotFound,
    Overloaded,
    UpstreamChanged,
    UpstreamError,
    UpstreamTimeout,
)
from protection.alarms import Alarms
from upstream import Upstream
from websites import Translator, Website, decode_json

log = logging.getLogger("gateway.upstream")

#: ytmusicapi's client version is the date of its making: YouTube refuses one too old.
INSTANCE_LIFE_SEC = 24 * 3600.0
VISITOR_TIMEOUT_SEC = 2.0
VISITOR_RETRY_SEC = 60.0
#: YouTube sends lists in pages of at least so many; of a longer list than that nothing is hedged.
PAGE_ITEMS = 20
MOST_HEDGED_ITEMS = 100
#: Sent back as a header, so nothing else is taken for one; the library's own search takes time
#: quadratic in what the page repeats.
VISITOR_ID = re.compile(rb'"VISITOR_DATA"\s*:\s*"([A-Za-z0-9_%=-]{1,256})"')
#: What an InnerTube answer may hold without saying anything.
EMPTY_MEMBERS = frozenset({"responseContext", "trackingParams"})
#: Where a search's answer holds its shelves, and what it may be filtered by, as their titles say.
SEARCH_TAB = ("tabbedSearchResultsRenderer", "tabs", 0, "tabRenderer", "content")
KINDS = ("song", "video", "album", "artist", "playlist", "profile", "podcast", "episode")


class _VisitorId:
    """The visitor id that all instances share, fetched once; without one, calls still work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = ""
        self._ask_again_at = 0.0

    def get(self, fetch: Callable[[str], requests.Response]) -> str:
        """The id; the first caller fetches it, the others wait no longer than they may."""
        if self._value or not self._lock.acquire(timeout=min(VISITOR_TIMEOUT_SEC, time_left())):
            return self._value
        try:
            if not self._value and time.monotonic() >= self._ask_again_at:
                self._value = _fetched_visitor_id(fetch)
                self._ask_again_at = time.monotonic() + VISITOR_RETRY_SEC
            return self._value
        finally:
            self._lock.release()


def _fetched_visitor_id(fetch: Callable[[str], requests.Response]) -> str:
    try:
        # All threads will share it: it is not cut off with the try that happens to fetch it.
        with call_deadline(Deadline.after(VISITOR_TIMEOUT_SEC)), ended_by(None):
            page = fetch(YTM_DOMAIN).content
    except (GatewayError, requests.RequestException) as error:
        log.warning("no visitor id", extra={"reason": type(error).__name__})
        return ""
    found = VISITOR_ID.search(page)
    return found[1].decode() if found else ""


class _ThreadsYTMusic(YTMusic):
    """The `ytmusicapi` client of one thread: shared visitor id, faster JSON, typed failures."""

    def __init__(self, session: requests.Session, visitor: _VisitorId, auth: str | None) -> None:
        self._visitor = visitor
        self.made_at = time.monotonic()
        super().__init__(auth=auth, requests_session=session, language="en")

    @cached_property
    def base_headers(self) -> CaseInsensitiveDict[str]:
        """The library's headers, without its own GET for a visitor id."""
        return self._auth_headers or CaseInsensitiveDict(initialize_headers())

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The headers of one call, with the visitor id that all threads share."""
        headers = super().headers.copy()
        if "X-Goog-Visitor-Id" not in headers:
            visitor_id = self._visitor.get(
                lambda url: self._send_get_request(url, use_base_headers=True)
            )
            headers["X-Goog-Visitor-Id"] = visitor_id
        # As text: the jar that requests makes of a dictionary took a tenth of its time.
        headers.setdefault("Cookie", "; ".join(map("=".join, self.cookies.items())))
        return headers

    def _send_request(
        self,
        endpoint: str,
        body: dict[str, Any],
        additionalParams: str = "",  # noqa: N803  # theirs
    ) -> dict[str, Any]:
        body.update(self.context)
        response = self._session.post(
            YTM_BASE_API + endpoint + self.params + additionalParams,
            json=body,
            headers=self.headers,
        )
        answer = _checked_innertube(endpoint, decode_json(response.content))
        if endpoint == "search" and "params" in body and _is_foreign(answer):
            raise UpstreamChanged
        return answer


def _checked_innertube(endpoint: str, answer: Any) -> dict[str, Any]:
    """The answer, unless it is one that ytmusicapi would silently read as "nothing found".

    Raises: UpstreamChanged — no object, an empty one, or suggestions in an unknown shape;
            UpstreamError — an error object with status 200.
    """
    if not isinstance(answer, dict):
        raise UpstreamChanged
    if "error" in answer:
        raise UpstreamError
    if endpoint.endswith("get_search_suggestions"):
        sections = answer.get("contents", [])
        known = all("searchSuggestionsSectionRenderer" in section for section in sections)
        if not known or not answer:
            raise UpstreamChanged
    elif not answer.keys() - EMPTY_MEMBERS:
        raise UpstreamChanged
    return answer


def _is_foreign(found: dict[str, Any]) -> bool:
    """Whether no shelf of a filtered search says in known words what it holds.

    Source: ytmusicapi 1.12.3 passes over shelves whose titles do not name what was asked for
            (`SearchMixin.search`), so that a renamed one reads as "nothing found".
    """
    shelves = nav(found, ["contents", *SEARCH_TAB, *SECTION_LIST], True) or []
    titles = [nav(shelf, [*MUSIC_SHELF, *TITLE_TEXT], True) for shelf in shelves]
    told = " ".join(title.lower() for title in titles if title)
    return bool(told) and not any(kind in told for kind in KINDS)


class YouTubeMusic:
    """`ytmusicapi`, safe across threads: an instance each, one connection pool for all.

    Source: an instance swaps shared state inside `get_lyrics(timestamps=True)`, and its visitor id
            is fetched once per instance (`ytmusicapi` 1.12.3, `YTMusicBase.as_mobile`).
    """

    def __init__(
        self, upstream: Upstream, session: requests.Session, auth_file: Path | None = None
    ) -> None:
        self.upstream = upstream
        self._session = session
        self._auth = str(auth_file) if auth_file and auth_file.is_file() else None
        self._visitor = _VisitorId()
        self._local = threading.local()

    def ask(
        self,
        method: str,
        *args: Any,
        deadline: Deadline,
        check: Callable[[Any], None] | None = None,
        **kwargs: Any,
    ) -> Any:
        """What `ytmusicapi`'s method answers; `check` raises where it is no answer but a refusal.

        Raises: GatewayError — the library's exceptions never leave here: their texts hold the
                whole response.
        """
        # The mobile context of timed lyrics must not meet a call of the web client.
        kind = "mobile" if kwargs.get("timestamps") else "web"

        def call() -> Any:
            answer = _translated(method, getattr(self._instance(kind), method), args, kwargs)
            if check is not None:
                check(answer)
            return answer

        return self.upstream.call(call, deadline, _pace_kind(method, kwargs))

    def greet(self) -> bool:
        """Fetch the visitor id ahead of the first call; whether YouTube Music answered."""
        with call_deadline(Deadline.after(VISITOR_TIMEOUT_SEC)):
            return bool(self._instance("web").headers["X-Goog-Visitor-Id"])

    def _instance(self, kind: str) -> _ThreadsYTMusic:
        known: _ThreadsYTMusic | None = getattr(self._local, kind, None)
        if known is None or time.monotonic() - known.made_at > INSTANCE_LIFE_SEC:
            known = _ThreadsYTMusic(self._session, self._visitor, self._auth)
            setattr(self._local, kind, known)
        return known


def _pace_kind(method: str, kwargs: Mapping[str, Any]) -> str:
    """Calls that take about as long: of one method, and of as many pages.

    Empty for a long list: a second try would fetch all its pages again.
    """
    limit = kwargs.get("limit") or 0
    if limit > MOST_HEDGED_ITEMS:
        return ""
    return f"{method} {math.ceil(limit / PAGE_ITEMS)}"


def _translated(
    name: str, method: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    try:
        return method(*args, **kwargs)
    except GatewayError:
        raise
    except TimeoutError:
        raise UpstreamTimeout from None  # before a request of it, or between two
    except MemoryError:
        raise Overloaded from None  # ours, and no word on their layout
    except YTMusicServerError:
        # Statuses are judged by the transport; what is left is "No content returned".
        raise NotFound("YouTube Music has nothing for this id.", proven=False) from None
    except Exception as error:  # noqa: BLE001  # a moved layout is any exception of the parser's
        log.warning("layout changed", extra={"method": name, "reason": type(error).__name__})
        raise UpstreamChanged from None


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Every upstream there is."""

    ytmusic: YouTubeMusic
    lrclib: Website
    genius: Website
    lyrics_ovh: Website
    billboard: Website
    #: None where none is configured
    translate: Translator | None
    #: says when a call of any of them is overdue
    alarms: Alarms

    @property
    def all(self) -> tuple[Upstream, ...]:
        """All that are asked, for whoever reads their counters."""
        clients = (
            self.ytmusic,
            self.lrclib,
            self.genius,
            self.lyrics_ovh,
            self.billboard,
            self.translate,
        )
        return tuple(client.upstream for client in clients if client is not None)
