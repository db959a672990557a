"""The lyrics sites and the Billboard page say what the catalogue holds, in the sites' own ways."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from bs4 import BeautifulSoup
from urllib3.util import SKIP_HEADER

from scripts.upstream_emulator import Catalogue, Emulator
from scripts.upstream_emulator.lyrics_text import credit
from scripts.upstream_emulator.model import Track

Samples = dict[str, list[str]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def plain() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def _track(catalogue: Catalogue, sample: str) -> Track:
    track = catalogue.track(sample.rpartition(" | ")[2])
    assert track is not None
    assert track.lyrics is not None
    return track


def _lrclib(
    emulator: Emulator, plain: requests.Session, track: Track, **more: object
) -> requests.Response:
    params = {"track_name": track.title, "artist_name": credit(track), **more}
    return plain.get(emulator.base_url("lrclib") + "/api/get", params=params)


@pytest.mark.parametrize("form", ["synced", "plain", "instrumental"])
def test_lrclib(emulator: Emulator, plain: requests.Session, samples: Samples, form: str) -> None:
    track = _track(emulator.catalogue, samples[f"lyrics_only_lrclib_{form}"][0])
    found = _lrclib(emulator, plain, track, duration=track.seconds + 2).json()
    assert (found["trackName"], found["duration"]) == (track.title, float(track.seconds))
    assert found["instrumental"] == (form == "instrumental")
    assert (found["plainLyrics"] is None) == (form == "instrumental")
    assert (found["syncedLyrics"] is not None) == (form == "synced")
    if form == "synced":
        assert re.match(r"\[00:09\.20\] \S", found["syncedLyrics"])


def test_lrclib_misses(emulator: Emulator, plain: requests.Session, samples: Samples) -> None:
    track = _track(emulator.catalogue, samples["lyrics_only_lrclib_synced"][0])
    wrong = _lrclib(emulator, plain, track, duration=track.seconds + 9)
    assert (wrong.status_code, wrong.json()["name"]) == (404, "TrackNotFound")
    other = _track(emulator.catalogue, samples["lyrics_only_genius"][0])
    assert _lrclib(emulator, plain, other).status_code == 404
    base = emulator.base_url("lrclib") + "/api/get"
    missing = plain.get(base, params={"track_name": "a"})
    assert (missing.status_code, "missing field" in missing.text) == (400, True)
    empty = plain.get(base, params={"track_name": " ", "artist_name": "b"})
    assert (empty.status_code, empty.json()["name"]) == (400, "ValidationError")
    nameless = plain.get(base, params={"track_name": "a"}, headers={"User-Agent": SKIP_HEADER})
    assert (nameless.status_code, nameless.headers["Content-Type"][:9]) == (403, "text/html")


def test_lrclib_search(emulator: Emulator, plain: requests.Session, samples: Samples) -> None:
    track = _track(emulator.catalogue, samples["lyrics_only_lrclib_synced"][0])
    address = emulator.base_url("lrclib") + "/api/search"
    by_words = plain.get(address, params={"q": f"{track.primary.name} {track.title}"}).json()
    by_fields = {"track_name": track.title, "artist_name": track.primary.name}
    for found in (by_words, plain.get(address, params=by_fields).json()):
        assert 1 <= len(found) <= 20
        assert track.title in [entry["trackName"] for entry in found]
    assert plain.get(address, params={"q": "zzzz qqqq"}).json() == []


def test_some_texts_are_filed_under_the_first_artist_only(
    emulator: Emulator, plain: requests.Session, catalogue: Catalogue
) -> None:
    track = next(
        t for t in catalogue.songs()
        if len(t.artists) > 1 and t.lyrics and t.lyrics.primary_only
        and catalogue.lyrics_form(t, "lrclib") == "synced"
    )  # fmt: skip
    assert _lrclib(emulator, plain, track, artist_name=track.byline).status_code == 404
    assert _lrclib(emulator, plain, track, artist_name=track.primary.name).status_code == 200


def _genius_hits(emulator: Emulator, plain: requests.Session, query: str) -> list[dict]:
    address = emulator.base_url("genius") + "/api/search/multi"
    sections = plain.get(address, params={"q": query}).json()["response"]["sections"]
    songs = next(section for section in sections if section["type"] == "song")
    return [hit["result"] for hit in songs["hits"]]


def _genius_page(emulator: Emulator, plain: requests.Session, track: Track) -> BeautifulSoup:
    hits = _genius_hits(emulator, plain, f"{track.title} {track.primary.name}")
    hit = next(hit for hit in hits if hit["title"] == track.title)
    assert hit["primary_artist"]["name"] == track.primary.name
    address = hit["url"].replace("https://genius.com", emulator.base_url("genius"))
    return BeautifulSoup(plain.get(address).text, "html.parser")


def test_genius_page(emulator: Emulator, plain: requests.Session, samples: Samples) -> None:
    for sample in samples["lyrics_only_genius"]:
        track = _track(emulator.catalogue, sample)
        page = _genius_page(emulator, plain, track)
        boxes = page.select('div[data-lyrics-container="true"]')
        assert len(boxes) == 2
        assert "Contributors" in boxes[0].get_text()
        for header in page.select("[data-exclude-from-selection]"):
            header.decompose()
        for line_end in page.select("br"):
            line_end.replace_with("\n")
        text = "\n".join(box.get_text() for box in boxes)
        lines = [line for line in text.split("\n") if line and not line.startswith("[")]
        assert lines == [line for line in track.lyrics.lines if line]


@pytest.mark.parametrize(
    ("form", "words"), [("placeholder", "yet to be transcribed"), ("instrumental", "instrumental")]
)
def test_genius_pages_without_lyrics(
    emulator: Emulator, plain: requests.Session, samples: Samples, form: str, words: str
) -> None:
    track = _track(emulator.catalogue, samples[f"lyrics_only_genius_{form}"][0])
    page = _genius_page(emulator, plain, track)
    assert not page.select("[data-lyrics-container]")
    assert words in page.select_one("[class*=LyricsPlaceholder__Message]").get_text()


def test_genius_puts_translations_first_now_and_then(
    emulator: Emulator, plain: requests.Session, catalogue: Catalogue
) -> None:
    first = [
        _genius_hits(emulator, plain, f"{track.title} {track.primary.name}")[0]
        for track in catalogue.with_lyrics(genius="page")[:20]
    ]
    names = [hit["primary_artist"]["name"] for hit in first]
    assert 1 <= names.count("Genius English Translations") < len(names)
    assert plain.get(emulator.base_url("genius") + "/No-such-lyrics").status_code == 404
    assert _genius_hits(emulator, plain, "zzzz qqqq xxxx") == []


def test_lyrics_ovh(emulator: Emulator, plain: requests.Session, samples: Samples) -> None:
    base = emulator.base_url("lyrics_ovh") + "/v1/"
    for case in ("lyrics_only_lyrics_ovh", "lyrics_only_lyrics_ovh_paroles"):
        for sample in samples[case]:
            track = _track(emulator.catalogue, sample)
            names = f"{quote(track.primary.name, safe='')}/{quote(track.title, safe='')}"
            text = plain.get(base + names).json()["lyrics"]
            assert text.endswith(track.lyrics.text)
            assert text.startswith("Paroles de la chanson") == case.endswith("paroles")
    missing = plain.get(base + "nobody/nothing")
    assert (missing.status_code, missing.json()) == (404, {"error": "No lyrics found"})
    assert plain.get(base + "nobody").status_code == 400


def test_billboard_page(emulator: Emulator, plain: requests.Session, catalogue: Catalogue) -> None:
    page = BeautifulSoup(
        plain.get(emulator.base_url("billboard") + "/charts/hot-100/").text, "html.parser"
    )
    assert page.select_one(".charts-title .c-span").get_text(strip=True) == (
        "Week of November 21, 2026"
    )
    rows = page.select(".o-chart-results-list-row-container")
    assert len(rows) == len(catalogue.hot100) == 100
    assert len(page.select("h3#title-of-a-story")) == 102
    for shown, row in zip(rows, catalogue.hot100, strict=True):
        assert shown.select_one("span.c-label").get_text(strip=True) == str(row.rank)
        heading = shown.select_one("h3#title-of-a-story")
        assert heading.get_text(strip=True) == row.title.strip()
        assert heading.find_next("span").get_text().strip() == row.artist
        stats = {
            cell.select_one("span.c-span").get_text(): cell.select_one("li").get_text(strip=True)
            for cell in shown.select("div.lrv-u-flex > div")
        }
        last_week = "-" if row.last_week is None else str(row.last_week)
        expected = {"LW": last_week, "PEAK": str(row.peak), "WEEKS": str(row.weeks)}
        if row.rank == 1:
            expected["WEEKS AT NO. 1"] = str(row.weeks_at_no1)
        assert stats == expected
    assert any(row.track is None for row in catalogue.hot100)
    assert {row.badge for row in catalogue.hot100} == {None, "NEW", "RE-ENTRY"}


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("2026-08-05", "Week of August 8, 2026"), ("2026-08-08", "Week of August 8, 2026")],
)
def test_billboard_rounds_a_date_up(
    emulator: Emulator, plain: requests.Session, asked: str, shown: str
) -> None:
    base = emulator.base_url("billboard") + "/charts/hot-100/"
    assert shown in plain.get(f"{base}{asked}/").text
    assert plain.get(f"{base}1957-01-01/").status_code == 404
    assert plain.get(f"{base}2026-13-40/").status_code == 404


def test_command_line(emulator: Emulator) -> None:
    command = [sys.executable, "-m", "scripts.upstream_emulator"]
    taken = subprocess.run(
        [*command, "--port", str(emulator.port)], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (taken.returncode, taken.stdout) == (1, "")
    assert len(taken.stderr.splitlines()) == 1
    with subprocess.Popen(
        [*command, "--port", "0", "--latency", "1/2"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        line = running.stdout.readline()
        address = line.split()[-1]
        assert requests.get(f"{address}/_control", timeout=10).json()["seed"] == 7
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
