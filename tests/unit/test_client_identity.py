"""Who a client is, whatever it says of itself."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.limits.identity import (
    UNVERIFIED,
    ApiKeys,
    client_of,
    has_key_in_query,
    named,
)

PEER = "10.1.2.3"

#: X-Forwarded-For, trusted proxies, and whom the limits see.
CHAINS = {
    "no proxy": (None, 0, PEER),
    "no proxy, and one made up": ("203.0.113.9", 0, PEER),
    "one proxy": ("203.0.113.9", 1, "203.0.113.9"),
    "one proxy, and one made up": ("6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
    "as on Render": ("203.0.113.9, 172.71.0.1", 2, "203.0.113.9"),
    "as on Render, and one made up": ("6.6.6.6, 203.0.113.9, 172.71.0.1", 2, "203.0.113.9"),
    "and many made up": ("6.6.6.6, " * 500 + "203.0.113.9, 172.71.0.1", 2, "203.0.113.9"),
    "repeated headers, joined": ("6.6.6.6,203.0.113.9,172.71.0.1", 2, "203.0.113.9"),
    "odd spaces": (" 6.6.6.6 ,\t203.0.113.9  , 172.71.0.1 ", 2, "203.0.113.9"),
    "ten proxies": ("203.0.113.9" + ", 10.0.0.1" * 9, 10, "203.0.113.9"),
    "not forwarded at all": (None, 2, PEER),
    "an empty header": ("", 2, PEER),
    "fewer entries than proxies": ("203.0.113.9", 2, UNVERIFIED),
    "nothing but commas": (",,,", 2, UNVERIFIED),
    "an empty entry where it counts": ("203.0.113.9, , 172.71.0.1", 2, UNVERIFIED),
    "a name where it counts": ("unknown, 172.71.0.1", 2, UNVERIFIED),
    "a hidden one": ("_hidden, 172.71.0.1", 2, UNVERIFIED),
    "a very long one": ("1" * 9000 + ", 172.71.0.1", 2, UNVERIFIED),
}


@pytest.mark.parametrize("case", CHAINS)
def test_the_client_is_whom_the_outermost_trusted_proxy_saw(case):
    forwarded_for, proxies, expected = CHAINS[case]

    assert client_of(PEER, forwarded_for, proxies) == expected


SPELLINGS = {
    "203.0.113.9": "203.0.113.9",
    " 203.0.113.9 ": "203.0.113.9",
    "203.0.113.9:4711": "203.0.113.9",
    "203.0.113.9:": "203.0.113.9",
    "::ffff:203.0.113.9": "203.0.113.9",
    "[::ffff:203.0.113.9]:80": "203.0.113.9",
    "::ffff:cb00:7109": "203.0.113.9",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:DB8:1:2::1": "2001:db8:1:2::/64",
    "2001:0db8:0001:0002:0000::": "2001:db8:1:2::/64",
    "[2001:db8:1:2::1]": "2001:db8:1:2::/64",
    "[2001:db8:1:2::1]:443": "2001:db8:1:2::/64",
    "fe80::1%eth0": "fe80::/64",
    "::1": "::/64",
    "127.0.0.1": "127.0.0.1",
    "": UNVERIFIED,
    "localhost": UNVERIFIED,
    "203.0.113": UNVERIFIED,
    "203.0.113.9.1": UNVERIFIED,
    "203.0.113.256": UNVERIFIED,
    "0203.0.113.9": UNVERIFIED,
    "3405803785": UNVERIFIED,
    "203.0.113.9:80:80": UNVERIFIED,
    "2001:db8::1::2": UNVERIFIED,
    "[2001:db8::1": UNVERIFIED,
    "2001:db8::1]": UNVERIFIED,
    "[203.0.113.9": UNVERIFIED,
    "203.0.113.9/24": UNVERIFIED,
    "\u0662\u0660\u0663.0.113.9": UNVERIFIED,
    "203.0.113.9\x00": UNVERIFIED,
}


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_one_client_has_one_name_however_it_is_spelled(spelled):
    assert named(spelled) == SPELLINGS[spelled]


@given(st.ip_addresses(v=6))
def test_all_of_a_64_bit_network_are_one_client(address):
    neighbour = address.__class__(int(address) ^ 1)
    if address.ipv4_mapped is None:
        assert named(str(address)) == named(str(neighbour)) == named(f"[{address}]:1")


ENTRIES = st.one_of(
    st.ip_addresses().map(str), st.text(max_size=80), st.sampled_from(["", " ", "[", ":", "%"])
)


@given(st.lists(ENTRIES, max_size=6).map(",".join), st.integers(0, 10), st.text(max_size=70))
@example("[::1%]", 1, "")
def test_whatever_is_sent_there_is_a_short_name(forwarded_for, proxies, address):
    name = client_of(address, forwarded_for, proxies)

    assert 0 < len(name) <= 43
    assert name == UNVERIFIED or set(name) <= set("0123456789abcdef.:/")


@given(st.lists(ENTRIES, max_size=4).map(",".join), st.ip_addresses(v=4))
def test_nothing_that_a_client_writes_changes_its_name(forged, address):
    chain = f"{forged}, {address}, 172.71.0.1"

    assert client_of(PEER, chain, 2) == str(address)


# ---- keys

KEY = "gw_3q2-7wF0"
KEYS = ApiKeys((hashlib.sha256(KEY.encode()).hexdigest(),))


def test_a_key_is_a_name_that_does_not_give_it_away():
    name = KEYS.client(KEY)

    assert name.startswith("key:")
    assert KEY not in name


@pytest.mark.parametrize("sent", ["", KEY[:-1], KEY + "x", KEY.upper(), "\xff", KEY + "x" * 9999])
def test_any_other_key_is_nobodys(sent):
    assert KEYS.client(sent) is None


@pytest.mark.parametrize(
    ("target", "has_key"),
    [
        ("/search?query=a", False),
        ("/search?query=api_key", False),
        ("/search?query=a&api_key=x", True),
        ("/search?API-Key=x", True),
        ("/search?apikey=", True),
        ("/search?x-api-key=1&query=a", True),
        ("/search?my_api_key=1", False),
        ("/api_key=1", False),
        ("", False),
    ],
)
def test_a_key_in_the_url_is_found(target, has_key):
    assert has_key_in_query(target) == has_key
