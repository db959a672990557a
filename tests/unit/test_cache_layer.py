"""The two levels, as far as memory alone goes; tests/stores has the rest, over a real Redis."""

from envelope import Policy
from stores.turns import Lease, Newer
from tests.doubles import FakeClock, build_cache, make_envelope, make_failure

POLICY = Policy(ttl_sec=60, stale_sec=600)
NOBODYS = Lease("k", "", "1" * 16)


def test_failure_records_are_bounded():
    cache = build_cache(FakeClock())
    for number in range(10_050):
        cache.keep_failure(make_failure(), Lease(str(number), "", ""))

    assert len(cache._failures) == 10_000
    assert cache.look("0").failure is None
    assert cache.look("10049").failure is not None


def test_a_success_ends_the_keys_failures():
    cache = build_cache(FakeClock())
    cache.keep_failure(make_failure(), NOBODYS)
    cache.keep(make_envelope("k", fence="2" * 16), NOBODYS)

    assert cache.look("k").failure is None


def test_whoever_knows_an_older_version_gets_the_newer_one_instead_of_a_turn():
    cache = build_cache(FakeClock())
    first = cache.turn("k", "", has_answer=False)
    cache.keep(make_envelope("k", fence=first.fence), first)

    assert isinstance(cache.turn("k", "", has_answer=False), Newer)
    second = cache.turn("k", first.fence, has_answer=True)
    assert isinstance(second, Lease)
    assert second.fence > first.fence, "fences grow though the clock stands still"


def test_what_was_fetched_before_a_purge_is_not_kept_after_it():
    cache = build_cache(FakeClock())
    under_way = cache.turn("k", "", has_answer=False)

    assert not cache.purge("k")
    cache.keep(make_envelope("k", fence=under_way.fence), under_way)
    assert cache.look("k").envelope is None

    later = cache.turn("k", "", has_answer=False)
    cache.keep(make_envelope("k", fence=later.fence), later)
    assert cache.look("k").envelope is not None
    assert cache.purge("k")
