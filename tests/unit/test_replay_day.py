"""The replayed day: its counts add up, and a seed decides it."""

import random
import xml.etree.ElementTree as ET

import pytest

from scripts.replay_day.__main__ import main, settings_of
from scripts.replay_day.day import DAY_SEC, KINDS, is_outage, requests_of_a_day
from scripts.replay_day.plot import plot
from scripts.replay_day.replay import replay


@pytest.fixture(scope="module")
def day():
    return replay(settings_of({}), requests=2_000, keys=300, seed=3)


def test_every_request_is_counted_once_and_costs_one_call_at_most(day):
    answered = sum(map(sum, (day.hits, day.stale, day.failed)))

    assert sum(day.requests) == 2_000
    assert 0 < answered < 2_000
    assert sum(day.requests) - sum(day.hits) >= sum(day.calls) - sum(day.stale)
    assert sum(day.in_outage.values()) == sum(day.requests[1200:1260])
    assert sum(day.failed) == day.in_outage["failed"], "only the outage fails anybody"


def test_a_seed_decides_the_day(day):
    assert replay(settings_of({}), requests=2_000, keys=300, seed=3) == day
    assert replay(settings_of({}), requests=2_000, keys=300, seed=4) != day


def test_less_memory_means_more_calls(day):
    small = settings_of({"cache_memory_max_bytes": 300_000})

    cramped = replay(small, requests=2_000, keys=300, seed=3)

    assert cramped.most_bytes_held <= 300_000
    assert cramped.evictions > 0
    assert sum(cramped.calls) > sum(day.calls)


def test_the_first_key_of_a_kind_is_asked_for_twice_as_often_as_the_second():
    asked = list(requests_of_a_day(60_000, 10_000, random.Random(1)))
    songs = [one.rank for one in asked if one.kind.resource == "song"]

    assert songs.count(0) / songs.count(1) == pytest.approx(2, rel=0.15)
    assert [one.at_sec for one in asked] == sorted(one.at_sec for one in asked)
    assert 0 <= asked[0].at_sec < asked[-1].at_sec < DAY_SEC
    evening = sum(19 * 3600 <= one.at_sec < 21 * 3600 for one in asked)
    night = sum(7 * 3600 <= one.at_sec < 9 * 3600 for one in asked)
    assert evening / night == pytest.approx(5, rel=0.2)


def test_the_kinds_share_all_requests_and_all_keys():
    assert sum(kind.requests for kind in KINDS) == pytest.approx(1)
    assert sum(kind.keys for kind in KINDS) == pytest.approx(1)
    assert (is_outage(20 * 3600), is_outage(21 * 3600)) == (True, False)


def test_the_plot_is_a_picture_with_three_panels(day):
    picture = ET.fromstring(plot(day))  # noqa: S314  # we wrote it

    lines = picture.findall("{http://www.w3.org/2000/svg}polyline")
    bands = picture.findall("{http://www.w3.org/2000/svg}polygon")
    assert (len(lines), len(bands)) == (2, 4)


def test_the_command_prints_a_row_for_each_variant_and_draws(tmp_path, capsys):
    picture = tmp_path / "day.svg"

    assert main(["--requests", "200", "--keys", "50", "--out", str(picture)]) == 0

    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in printed] == [
        "settings", "as shipped", "fixed fresh lives", "no stale answers", "room for every key",
        "8 MiB of memory",
    ]  # fmt: skip
    assert picture.read_text().startswith("<svg")
