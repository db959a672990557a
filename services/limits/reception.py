"""What happens to every request before anything else: an id, a name, and the general limit."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from errors import GatewayError, InvalidRequest, UnknownApiKey
from services.limits.identity import UNVERIFIED, ApiKeys, client_of, has_key_in_query
from services.limits.quota import ClientLimit, Quota, QuotaExceeded, quota_lines
from settings import Settings

#: Where a WSGI environment carries the visit: whoever finds one there need not receive again.
VISIT = "gateway.visit"
#: Stands for the target of a browser's own question whether its page may ask.
PREFLIGHT = "*"
#: Asked by platforms and monitors, from few addresses and without an end; or by no client at all.
UNCOUNTED_PATHS = frozenset(
    {"/livez", "/readyz", "/health", "/metrics", "/dashboard", "/dashboard/figures", PREFLIGHT}
)
ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
KEY_IN_QUERY = "Send the API key in the header X-API-Key, never in the URL."


@dataclass(slots=True)
class Visit:
    """One request, received: who asks, and why it is refused if it is.

    `quota` is the one to tell the client of: the general one, or else the one that it exceeded.
    Units: `began` is of `time.perf_counter`.
    """

    request_id: str
    client: str
    began: float
    quota: Quota | None = None
    refusal: GatewayError | None = None

    def quota_lines(self) -> str:
        """The headers that tell of it, as lines; none where nothing is limited."""
        return quota_lines(self.quota, time.time()) if self.quota is not None else ""


class Reception:
    """Receives each request once, wherever it is answered.

    Nothing here waits: it is called on the I/O thread, a few microseconds a request.
    """

    def __init__(
        self,
        *,
        proxies: int = 0,
        limit: ClientLimit | None = None,
        keyed_limit: ClientLimit | None = None,
        keys: ApiKeys | None = None,
    ) -> None:
        self._proxies = proxies
        self._limit = limit
        self._keyed_limit = keyed_limit
        self._keys = keys

    def admit(
        self,
        address: str,
        forwarded_for: str | None,
        api_key: str | None,
        sent_request_id: str | None,
        target: str,
    ) -> Visit:
        """The visit that begins now: counted, and refused where its client asked too often."""
        began = time.perf_counter()
        client = client_of(address, forwarded_for, self._proxies)
        visit = Visit(request_id_of(sent_request_id), client, began)
        limit = self._limit
        if self._keys is not None and self._is_known_by_key(visit, api_key, target, self._keys):
            limit = self._keyed_limit
        if limit is not None and target.partition("?")[0] not in UNCOUNTED_PATHS:
            visit.quota = limit.take(visit.client)
            if visit.quota.wait_sec:
                detail = f"Allowed are {limit.limit} requests per minute."
                visit.refusal = QuotaExceeded(detail, visit.quota)
        return visit

    def _is_known_by_key(
        self, visit: Visit, api_key: str | None, target: str, keys: ApiKeys
    ) -> bool:
        """Whether a key names the client; a wrong one is refused, and counts for its address."""
        if has_key_in_query(target):
            visit.refusal = InvalidRequest(KEY_IN_QUERY)
        if api_key is None:
            return False
        client = keys.client(api_key)
        if client is None:
            visit.refusal = visit.refusal or UnknownApiKey()
            return False
        visit.client = client
        return True


def open_reception(settings: Settings, monotonic: Callable[[], float]) -> Reception:
    """The reception that these settings ask for."""

    def limit_of(per_minute: int) -> ClientLimit | None:
        is_limited = settings.enable_rate_limits and per_minute
        return ClientLimit(per_minute, monotonic) if is_limited else None

    hashes = settings.api_key_hashes
    return Reception(
        proxies=settings.trusted_proxy_count,
        limit=limit_of(settings.ratelimit_requests_per_minute),
        keyed_limit=limit_of(settings.ratelimit_keyed_requests_per_minute),
        keys=ApiKeys(hashes) if hashes else None,
    )


def request_id_of(sent: str | None) -> str:
    """The caller's id where it is acceptable, else one of ours."""
    if sent is not None and ACCEPTABLE_ID.fullmatch(sent):
        return sent
    return os.urandom(16).hex()  # a third of what uuid4 costs


def client_in(environ: dict[str, Any]) -> str:
    """Whose request this is."""
    visit = environ.get(VISIT)
    return visit.client if visit is not None else UNVERIFIED
