"""The reception: whatever arrives is received, named and counted once."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.limits.identity import ApiKeys
from services.limits.quota import ClientLimit
from services.limits.reception import VISIT, Reception, Visit, client_in
from tests.doubles import FakeClock

HEADER = st.none() | st.text(st.characters(max_codepoint=255), max_size=100)


def reception_of(limit=2, **more):
    clock = FakeClock(0.0)
    counted = ClientLimit(limit, clock)
    return Reception(limit=counted, **more), counted


@given(HEADER.map(lambda text: text or ""), HEADER, HEADER, HEADER, st.text(max_size=50))
def test_whatever_arrives_is_received(address, forwarded_for, api_key, request_id, target):
    reception, counted = reception_of(proxies=2, keys=ApiKeys(("0" * 64,)))

    visits = [
        reception.admit(address, forwarded_for, api_key, request_id, target) for _ in range(3)
    ]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{8,64}", visit.request_id) for visit in visits)
    assert len({visit.client for visit in visits}) == len(counted._counts) <= 1
    is_counted = visits[0].quota is not None
    assert [visit.quota.remaining for visit in visits if visit.quota] == [1, 0, 0][: 3 * is_counted]
    assert visits[2].refusal is not None or not is_counted


def test_a_request_that_nobody_received_is_nobodys():
    assert client_in({}) == "unverified"
    assert client_in({VISIT: Visit("id", "203.0.113.1", 0.0)}) == "203.0.113.1"
