"""The model of many instances: its formulas against brute force, and against the real code."""

import math
import random
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from scripts.replay_day.day import KINDS
from scripts.scaling import document, model, plots, rehearsal
from scripts.scaling.__main__ import DOCUMENT, FIGURES, main
from scripts.scaling.model import Costs, Fleet, crossing, load_of
from scripts.scaling.results import costs_of
from scripts.scaling.traffic import SONGS, Demand

WEIGHTLESS = Costs(packed=0.0, record_bytes=0.0)
EVENTS = 20_000


def gaps(rate: float, seed: int = 1):
    rng = random.Random(seed)
    return [rng.expovariate(rate) for _ in range(EVENTS)]


@pytest.mark.parametrize("rate", [0.02, 0.2, 3.0])
def test_the_fetches_of_a_key_are_those_of_requests_at_random_times(rate):
    fresh_sec, revalidate_sec, stale_sec = 10.0, 25.0, 40.0
    now, fetched_at, fetches, waited, lay = 0.0, 0.0, 0, 0, 0.0
    for gap in gaps(rate):
        now += gap
        age = now - fetched_at
        if age < fresh_sec:
            continue
        fetches += 1
        waited += age >= revalidate_sec
        lay += min(age, stale_sec)
        fetched_at = now

    assert model.fetches(rate, fresh_sec) == pytest.approx(fetches / now, rel=0.03)
    assert model.missed(rate, fresh_sec, revalidate_sec) == pytest.approx(waited / now, rel=0.1)
    assert model.stored(rate, fresh_sec, stale_sec) == pytest.approx(lay / now, rel=0.03)


@pytest.mark.parametrize(
    ("held_sec", "off"), [(math.inf, 0.03), (12.0, 0.03), (4.0, 0.12), (1.0, 0.05)]
)
@pytest.mark.parametrize("rate", [0.1, 0.5, 2.0])
def test_a_look_is_trusted_until_it_is_old_or_the_key_was_dropped(rate, held_sec, off):
    trust_sec, now, looked_at, looks = 10.0, 0.0, -math.inf, 0
    for gap in gaps(rate):
        now += gap
        if gap > held_sec or now - looked_at >= trust_sec:
            looks += 1
            looked_at = now

    found = EVENTS / looks
    assert 1 + model.hits_a_look(rate, trust_sec, held_sec) == pytest.approx(found, rel=off)


@pytest.mark.parametrize("exponent", [0.8, 1.0])
def test_grouped_keys_come_to_the_same_as_each_key_by_itself(exponent):
    demand = Demand(50.0, 20_000, exponent, kinds=SONGS)
    weights = [rank**-exponent for rank in range(1, 20_001)]
    whole = sum(weights)
    rates = [50.0 * weight / whole for weight in weights]

    assert sum(cell.keys * cell.rate for cell in demand.cells) == pytest.approx(50.0)
    assert sum(cell.keys for cell in demand.cells) == 20_000
    assert len(demand.cells) < 300
    grouped = sum(cell.keys * model.fetches(cell.rate, 600.0) for cell in demand.cells)
    assert grouped == pytest.approx(sum(model.fetches(rate, 600.0) for rate in rates), rel=1e-3)


def test_memory_holds_what_fits_and_everything_where_that_fits():
    cells = Demand(100.0, 10_000).cells
    roomy, small = Fleet(memory_bytes=math.inf), Fleet(memory_entries=500, memory_bytes=math.inf)

    assert model.held_sec(cells, replace(roomy, memory_entries=10_100), lambda _: 1.0) == math.inf
    sec = model.held_sec(cells, small, lambda _: 1.0)
    held = sum(-math.expm1(-cell.rate * sec) * cell.keys for cell in cells)
    assert held == pytest.approx(500, rel=0.01)


@pytest.mark.parametrize("instances", [1, 3])
def test_the_model_says_what_the_real_code_does(instances):
    demand, fleet = Demand(100.0, 500), Fleet(instances)

    played = rehearsal.minutes(demand, fleet, warm_sec=15, sec=40, seed=3)

    assert played == rehearsal.minutes(demand, fleet, warm_sec=15, sec=40, seed=3)
    assert played.fetches == 0
    expected = load_of(demand.cells, fleet, WEIGHTLESS)
    assert expected.from_memory == pytest.approx(played.from_memory, abs=0.02)


def test_instances_together_fetch_what_one_does():
    one, two = (
        rehearsal.days(Demand(0.05, 200), Fleet(instances), sec=40_000, seed=3)
        for instances in (1, 2)
    )

    expected = load_of(Demand(0.05, 200).cells, Fleet(), WEIGHTLESS).fetches * 40_000
    assert abs(one.fetches - two.fetches) <= 0.05 * one.fetches
    assert expected == pytest.approx(one.fetches, rel=0.1)


def test_more_instances_look_more_often_and_sticky_ones_do_not():
    cells = Demand(1_000.0, 100_000).cells
    looks = [load_of(cells, Fleet(n), Costs()).looks for n in (1, 10, 1000)]
    sticky = [load_of(cells, Fleet(n, is_sticky=True), Costs()).looks for n in (10, 1000)]

    assert looks[0] < looks[1] < looks[2] <= 1_000.0
    assert max(sticky) <= looks[0] * 1.001
    fetches = {round(load_of(cells, Fleet(n), Costs()).fetches, 6) for n in (1, 10, 1000)}
    assert len(fetches) == 1


def test_a_cdn_takes_hits_and_leaves_the_fetches():
    cells = Demand(1_000.0, 10_000).cells
    edge = model.behind_caches(cells, 5)

    plain, behind = (load_of(some, Fleet(), Costs()) for some in (cells, edge))
    assert behind.requests < plain.requests / 2
    assert behind.fetches == pytest.approx(plain.fetches, rel=0.35)


def test_the_smallest_fleet_that_is_no_busier_than_it_may_be():
    cells = Demand(20_000.0, 100_000).cells

    fleet = model.sized(cells, Costs(), Fleet())

    assert fleet.instances > 8 and fleet.instances.bit_count() > 1, "doubling alone finds it"
    one_less = replace(fleet, instances=fleet.instances - 1)
    assert load_of(cells, fleet, Costs()).gateway_cpu <= 0.5 * fleet.instances
    assert load_of(cells, one_less, Costs()).gateway_cpu > 0.5 * one_less.instances
    assert crossing(lambda number: number > 7, 1, 100) == pytest.approx(7, rel=0.01)
    assert crossing(lambda _: False, 1, 100) == math.inf


def test_what_is_kept_as_a_part_is_not_asked_for_with_each_fetch():
    lyrics = next(kind for kind in KINDS if kind.resource == "lyrics")
    costs = Costs(calls={"lyrics": ((0.8, 1000.0), (1.8, 0.0))})

    assert costs.calls_of(lyrics, 0.01) == pytest.approx(0.8 * 0.01 / 11 + 1.8 * 0.01)
    assert Costs().calls_of(lyrics, 0.01) == 0.01


def test_ten_million_keys_are_a_few_thousand_cells():
    cells = Demand(100_000.0, 10_000_000).cells

    assert len(cells) < 5_000
    assert sum(cell.keys for cell in cells) == pytest.approx(10_000_000, rel=0.001)
    assert {cell.kind for cell in cells} == set(KINDS)


@pytest.fixture(scope="module")
def found():
    return orjson.loads((DOCUMENT.with_suffix("") / FIGURES).read_bytes())


def test_the_document_tells_the_figures_that_lie_beside_it(found):
    written, costs = DOCUMENT.read_text(), costs_of(found)

    # Where this fails, `python -m scripts.scaling --parts` writes it anew from the same figures.
    assert document.machine_line(found) in written
    for table in (
        document.instance_table(found, costs),
        document.processes_table(found),
        document.checked_table(found),
        document.cold_table(found),
    ):
        assert table in written
    name, *cells = document.size_row("small", *document.SIZES["small"], costs)
    assert f"| {name} | {' | '.join(cells)} |" in written


def test_the_document_shows_every_picture():
    written = DOCUMENT.read_text()

    for name in plots.PICTURES:
        picture = DOCUMENT.with_suffix("") / f"{name}.svg"
        assert f"(scaling/{picture.name})" in written
        assert ET.parse(picture).getroot().tag.endswith("svg")  # noqa: S314  # we drew it
        assert picture.stat().st_size < 100_000


def test_what_was_not_measured_is_said_and_nothing_is_written(tmp_path: Path, capsys):
    assert main(["--parts", "--out", str(tmp_path / "scaling.md")]) == 1

    assert "not yet measured: hits" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_it_says_how_to_get_it(found, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(plots.NoMatplotlib, match="requirements-bench"):
        plots.draw(found, tmp_path)
