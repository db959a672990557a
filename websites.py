"""Upstreams asked over plain HTTP: sites with JSON or pages, and a translation server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
import requests

from deadline import Deadline
from decoding import json_of
from errors import NotFound, UpstreamChanged, UpstreamError, UpstreamPage
from transport import Site
from upstream import Upstream

#: A translation takes time by its length: calls of one doubling of this take about as long.
TRANSLATED_ALIKE_CHARS = 250

T = TypeVar("T")


def decode_json(body: bytes) -> Any:
    """The JSON value of an upstream's body.

    Raises: UpstreamPage — it is HTML (a consent or block page with status 200); UpstreamChanged —
            it is neither.
    """
    try:
        return json_of(body)
    except orjson.JSONDecodeError:
        if body.lstrip()[:1] == b"<":
            raise UpstreamPage from None
        raise UpstreamChanged from None


class Website:
    """An upstream asked over plain HTTP: JSON of a service, or a page."""

    def __init__(self, upstream: Upstream, session: requests.Session, site: Site) -> None:
        self.upstream = upstream
        self._session = session
        self._site = site

    def json(self, path: str, params: Mapping[str, Any], deadline: Deadline) -> Any:
        """The JSON value at this path.

        Raises: GatewayError.
        """
        return self.upstream.call(
            lambda: decode_json(self._get(path, params).content), deadline, "json"
        )

    def text(self, path: str, deadline: Deadline) -> str:
        """The page at this path.

        Raises: GatewayError.
        """
        return self.upstream.call(
            lambda: self._get(path, {}).content.decode("utf-8", "replace"), deadline, "text"
        )

    def _get(self, path: str, params: Mapping[str, Any]) -> requests.Response:
        return self._send("GET", path, params=dict(params))

    def _post(self, path: str, body: Mapping[str, Any]) -> requests.Response:
        return self._send("POST", path, json=dict(body))

    def _send(self, method: str, path: str, **content: Any) -> requests.Response:
        url = self._site.origin + path
        headers = {"User-Agent": self._site.user_agent, "Accept-Encoding": "gzip"}
        try:
            return self._session.request(method, url, headers=headers, **content)
        except requests.TooManyRedirects:
            raise UpstreamError from None


class Translator(Website):
    """A LibreTranslate server; its API key is known here and nowhere else.

    `halvings` is what its limits have taught: how often the largest request was too large for it.
    """

    def __init__(
        self, upstream: Upstream, session: requests.Session, site: Site, api_key: str
    ) -> None:
        super().__init__(upstream, session, site)
        self._key = {"api_key": api_key} if api_key else {}
        self.halvings = 0

    def translate(
        self,
        texts: Sequence[str],
        target: str,
        deadline: Deadline,
        read: Callable[[Any], T],
    ) -> T:
        """What `read` makes of the server's JSON, be it translations or why there are none.

        Translating changes nothing there, so it is asked again and hedged like a GET. What `read`
        raises is the call's end.
        Raises: GatewayError.
        """
        asked = {"q": list(texts), "source": "auto", "target": target, "format": "text"}
        alike = (sum(map(len, texts)) // TRANSLATED_ALIKE_CHARS).bit_length()
        return self.upstream.call(
            lambda: read(self._translated(asked)), deadline, f"translate {alike}"
        )

    def _translated(self, asked: Mapping[str, Any]) -> Any:
        try:
            return decode_json(self._post("/translate", {**asked, **self._key}).content)
        except NotFound:
            raise UpstreamChanged("There is no translation server.") from None
