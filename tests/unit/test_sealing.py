"""From what a fetch brought to what is stored."""

import random

import pytest

from envelope import Freshness, Policy
from errors import ImplausibleAnswer, NotFound, UpstreamUnavailable
from services.resource import Fetched
from services.sealing import Flown, Sealer, believable
from tests.doubles import X, build_engine, make_envelope, make_failure, scripted

POLICY = Policy(ttl_sec=60, stale_sec=600)


def question(clock, policy=POLICY):
    resource, _ = scripted("r", policy=policy)
    return build_engine(clock, resource).question(resource, X)


def sealed(
    clock, *, jitter=0.0, began=None, oldest=float("inf"), missing=(), policy=POLICY, old=None
):
    flown = Flown("7" * 16, clock.now if began is None else began, oldest, missing)
    sealer = Sealer(clock, random.Random(7), jitter)
    return sealer.answer(question(clock, policy), Fetched(["a"]), flown, old)


def test_a_load_longer_than_its_fresh_life_is_fresh_after_it(clock):
    began = clock.now
    clock.advance(100)

    envelope = sealed(clock, began=began)

    assert envelope.freshness(clock.now) is Freshness.FRESH
    assert (envelope.age_sec(clock.now), envelope.cost_sec) == (100, 100)


def test_an_answer_is_as_old_as_its_oldest_part(clock):
    young, old = sealed(clock), sealed(clock, oldest=clock.now - 3600)

    assert (young.age_sec(clock.now), young.has_older_parts) == (0, False)
    assert (old.age_sec(clock.now), old.has_older_parts) == (3600, True)
    assert old.fresh_until == young.fresh_until


def test_jitter_only_shortens_and_uses_its_whole_band(clock):
    sealer = Sealer(clock, random.Random(7), 0.1)
    flown, asked = Flown("7" * 16, clock.now, clock.now), question(clock)

    lives = [
        sealer.answer(asked, Fetched([]), flown, None).fresh_until - clock.now for _ in range(1000)
    ]

    assert max(lives) <= 60
    assert min(lives) >= 54
    assert max(lives) - min(lives) >= 0.8 * 6


@pytest.mark.parametrize("missing", [(), ("p",)])
def test_whoever_wants_no_stale_answers_gets_none_however_short_the_fresh_life(clock, missing):
    strict = Policy(ttl_sec=600, stale_sec=600, is_adaptive=True)

    envelope = sealed(clock, policy=strict, jitter=0.5, missing=missing)

    assert envelope.fresh_until < clock.now + 600
    assert envelope.freshness(envelope.fresh_until) is Freshness.EXPIRED


def test_a_partial_answer_lives_a_tenth_of_its_fresh_life_and_at_most_a_minute(clock):
    long = Policy(ttl_sec=86_400, stale_sec=90_000)

    lives = [
        sealed(clock, policy=policy, missing=("p",)).fresh_until - clock.now
        for policy in (POLICY, long)
    ]

    assert lives == [6, 60]


def test_a_partial_answer_after_partial_ones_counts_them(clock):
    first = sealed(clock, missing=("p",))
    second = sealed(clock, missing=("p",), old=first)

    assert (first.partials, second.partials) == (1, 2)
    assert sealed(clock, old=second).partials == 0


def test_chance_comes_from_outside(clock):
    assert sealed(clock, jitter=0.5) == sealed(clock, jitter=0.5)


def test_an_absence_counts_those_before_it(clock):
    policy = Policy(ttl_sec=60, stale_sec=600, absent_sec=30, absent_factor=2, absent_max_sec=100)
    sealer, asked = Sealer(clock, random.Random(7)), question(clock, policy)
    flown = Flown("7" * 16, clock.now, clock.now)

    lives, old = [], None
    for _ in range(4):
        old = sealer.absence(asked, NotFound("none"), flown, old)
        lives.append(old.fresh_until - clock.now)

    assert lives == [30, 60, 100, 100]


def test_an_absence_that_a_failed_part_may_be_to_blame_for_lives_no_longer_than_a_partial_answer(
    clock,
):
    asked = question(clock, Policy(ttl_sec=6000, stale_sec=9000, absent_sec=500))

    absence = Sealer(clock, random.Random(7)).absence(
        asked, NotFound("none"), Flown("7" * 16, clock.now, clock.now, ("p",)), None
    )

    assert absence.fresh_until - clock.now == 60


def implausible(times):
    failure = None
    for _ in range(times):
        failure = (
            make_failure(ImplausibleAnswer())
            if failure is None
            else type(failure).after(failure, ImplausibleAnswer(), POLICY, now=0, chance=1)
        )
    return failure


@pytest.mark.parametrize(("items", "is_believed"), [(0, False), (2, False), (3, True), (20, True)])
def test_an_answer_much_poorer_than_the_stored_one_is_not_believed(items, is_believed):
    new, old = make_envelope(now=100, items=items), make_envelope(now=0, items=10)

    if is_believed:
        believable(new, old, None, 100)
    else:
        with pytest.raises(ImplausibleAnswer):
            believable(new, old, None, 100)


def test_the_fourth_implausible_answer_in_a_row_is_the_truth():
    new, old = make_envelope(now=100, items=0), make_envelope(now=0, items=10)

    for times in (0, 1, 2):
        with pytest.raises(ImplausibleAnswer):
            believable(new, old, implausible(times), 100)
    believable(new, old, implausible(3), 100)


def test_an_empty_answer_is_believed_where_nothing_usable_is_stored():
    empty, old = make_envelope(now=1000, items=0), make_envelope(now=0, items=10)

    believable(empty, None, None, 1000)
    believable(empty, old, None, 1000)
    believable(empty, make_envelope(now=1000, items=0), None, 1000)


def test_an_answer_that_misses_more_never_replaces_one_that_misses_less():
    whole, one, two = (
        make_envelope(now=0, missing=missing) for missing in ((), ("a",), ("a", "b"))
    )

    with pytest.raises(UpstreamUnavailable):
        believable(one, whole, None, 1)
    with pytest.raises(UpstreamUnavailable):
        believable(two, one, None, 1)
    believable(one, two, None, 1)
    believable(two, two, None, 1)
