"""The report about codings: what it counts, not what it times."""

import zlib

from scripts import bench_forms
from scripts.bench_forms import BASE, Coding, day_row, flights_of, kept_row, measured, rows

WORSE = Coding(lambda body: zlib.compress(body, 0), zlib.decompress)
BODY = b"1234567890," * 1000


def test_a_body_is_told_in_each_coding_beside_the_stored_one(monkeypatch):
    monkeypatch.setattr(bench_forms, "LEAST_SEC", 0.0001)
    by_name = {BASE: Coding(lambda body: zlib.compress(body, wbits=31), zlib.decompress)}
    by_name = {BASE: by_name[BASE]._replace(unpack=bench_forms.unpacked), "none": WORSE}

    found = measured(BODY, by_name, 1)
    told = rows("lyrics", BODY, found)

    assert [row[:3] for row in told] == [("lyrics", "11,000", BASE), ("lyrics", "11,000", "none")]
    assert told[0][4] == "1.00"
    assert found["none"].size > len(BODY) > 10 * found[BASE].size
    assert day_row("none", {"lyrics": found})[1] == f"{found['none'].size + 900:,}"
    assert day_row(BASE, {"lyrics": found})[2] == "1.000"


def test_a_new_connection_carries_twice_as_much_with_each_round_trip():
    room = bench_forms.FIRST_FLIGHT_BYTES - bench_forms.HEAD_BYTES

    assert [flights_of(size) for size in (0, room, room + 1, 100_000)] == [1, 1, 2, 3]
    assert kept_row("a", b"x" * 10_800, 1_200) == ("a", "13,200", "2,400", "5.5")
