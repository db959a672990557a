"""Who a client is: its address behind the proxies we trust, or its API key."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

#: The one client that all are together whose address nobody vouches for. A name made of what they
#: sent would give each of them as many quotas as it cares to make up.
UNVERIFIED = "unverified"
#: "[0000:…:0000%zone]:65535" is shorter; what is longer is no address, and is not remembered.
LONGEST_ADDRESS_CHARS = 64
#: Whoever has one IPv6 address has the 2**64 beside it too.
IPV6_PREFIX = 64
#: A longer one is none of ours: they are hashed at the speed of a flood.
LONGEST_KEY_CHARS = 256
_KEY_IN_QUERY = re.compile(r"[?&](?:x[-_]?)?api[-_]?key=", re.IGNORECASE)
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d*)?|(?P<four>[0-9.]+):\d*")


def client_of(address: str, forwarded_for: str | None, proxies: int) -> str:
    """The client behind `proxies` trusted proxies, each of which appends who called it.

    With two, as on Render, X-Forwarded-For arrives as `…, client, edge` and the peer is the inner
    proxy: the second entry from the right was written by the edge, the outermost machine that we
    trust, and whatever stands left of it by whoever called. So: the `proxies`-th from the right.
    Without a header nobody forwarded anything, and the peer itself is the client. One with fewer
    entries did not come through all proxies, so that what it says may be made up.
    No other header is ever believed.
    """
    if not proxies or not forwarded_for:
        return named(address)
    entries = forwarded_for.rsplit(",", proxies)
    if len(entries) < proxies:
        return UNVERIFIED
    return named(entries[-proxies])


def named(text: str) -> str:
    """The name of the client at this address: IPv4, or the /64 network of an IPv6 one."""
    return _named(text) if len(text) <= LONGEST_ADDRESS_CHARS else UNVERIFIED


@lru_cache(maxsize=10_000)
def _named(text: str) -> str:
    spelled = text.strip()
    with_port = _WITH_PORT.fullmatch(spelled)
    if with_port is not None:
        spelled = with_port["six"] or with_port["four"] or ""
    try:
        address = ip_address(spelled.partition("%")[0])
    except ValueError:
        return UNVERIFIED
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, IPV6_PREFIX), strict=False))


class ApiKeys:
    """The keys that lift a client above its address, known by their hashes only.

    Comparing in constant time has no use here: who times the look-up learns about a hash, and from
    no hash follows a key of 32 random bytes.
    """

    def __init__(self, hashes: tuple[str, ...]) -> None:
        self._hashes = frozenset(hashes)

    def client(self, key: str) -> str | None:
        """The name of the client with this key; None where there is no such key."""
        if len(key) > LONGEST_KEY_CHARS:
            return None
        digest = hashlib.sha256(key.encode()).hexdigest()
        return f"key:{digest[:16]}" if digest in self._hashes else None


def has_key_in_query(target: str) -> bool:
    """Whether a key was put where logs and browsers' histories keep it."""
    return _KEY_IN_QUERY.search(target) is not None
