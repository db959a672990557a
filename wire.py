"""What the wire shows: where a name led, how an exchange broke, how long to stay away."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from urllib3.exceptions import ProtocolError

#: A longer Retry-After is cut: an upstream must not be able to switch a key off for a day.
MAX_RETRY_AFTER_SEC = 300.0
#: Where no public site is: this host, its network, and where clouds keep their credentials.
INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
)


def leads_inside(address: str) -> bool:
    """Whether nothing public can be at this address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in network for network in INSIDE)


def was_dropped(error: BaseException) -> bool:
    """Whether the connection ended before a byte of the answer."""
    return isinstance(_abortion(error), ConnectionError)


def is_no_http(error: BaseException) -> bool:
    """Whether what came first was no status line, or headers without end."""
    end = _abortion(error)
    return isinstance(end, HTTPException) and not isinstance(end, ConnectionError)


def _abortion(error: BaseException) -> object:
    """What ended an exchange before its answer had a head."""
    reason = error.args[0] if error.args else None
    if isinstance(reason, ProtocolError) and reason.args[0] == "Connection aborted.":
        return reason.args[1]
    return None


def deadline_passed(error: BaseException) -> bool:
    """Whether a wrapped exception is, at its root, our socket's TimeoutError."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


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
