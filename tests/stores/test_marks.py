"""Marks: which jobs are queued or being done, and why one was not, as all instances know it."""

import pytest

from errors import UpstreamPaused
from services.background.marks import Marks
from tests.doubles import make_failure
from tests.stores.instances import KEY, LEASE_MS, PATIENCE_MS, acquire, endless

OTHER = 'song:id="b"'


@pytest.fixture
def marks(one):
    return Marks(one.shared, one.clock)


def refusal(instance):
    return make_failure(UpstreamPaused(retry_after_sec=5), now=instance.clock())


def test_a_job_is_marked_by_one_of_all_who_want_it(two):
    one, other = (Marks(instance.shared, instance.clock) for instance in two)

    assert one.put([KEY, KEY]) == [KEY]
    assert other.put([KEY, OTHER]) == [OTHER]
    assert set(other.look([KEY, OTHER]).under_way) == {KEY, OTHER}


def test_a_mark_outlives_the_patience_of_the_leases_and_ends_by_itself(one, marks, client):
    marks.put([KEY])

    assert PATIENCE_MS < client.pttl(one.name("q")) <= PATIENCE_MS + 2_000
    assert endless(client) == []


def test_a_mark_that_is_kept_lives_on_and_one_that_ended_stays_so(one, marks, client):
    marks.put([KEY])
    client.pexpire(one.name("q"), 5_000)

    marks.keep([KEY, OTHER])

    assert client.pttl(one.name("q")) > PATIENCE_MS
    assert marks.standing([OTHER, KEY]) == [KEY]


def test_what_somebody_fetches_is_under_way_until_he_is_silent_for_too_long(one, marks, client):
    acquire(one)
    assert set(marks.look([KEY, OTHER]).under_way) == {KEY}

    client.pexpire(one.name("l"), LEASE_MS - PATIENCE_MS - 100)
    assert set(marks.look([KEY, OTHER]).under_way) == set()


def test_a_job_that_is_over_is_no_longer_marked_and_its_refusal_is_known_to_all(two):
    one, other = (Marks(instance.shared, instance.clock) for instance in two)
    one.put([KEY, OTHER])

    one.end({KEY: refusal(two[0]), OTHER: None})

    known = other.look([KEY, OTHER])
    assert set(known.under_way) == set()
    assert isinstance(known.refused[KEY].error, UpstreamPaused)
    assert list(known.refused) == [KEY]


def test_the_next_try_ends_a_refusal(one, marks):
    marks.end({KEY: refusal(one)})
    marks.end({KEY: None})

    assert marks.look([KEY]).refused == {}


def test_a_refusal_ends_by_itself(one, marks, client):
    marks.end({KEY: refusal(one)})

    assert endless(client) == []


def test_a_refusal_that_cannot_be_read_is_none(one, marks, client):
    client.set(one.name("r"), b"\xffgarbage")

    assert marks.look([KEY]).refused == {}
