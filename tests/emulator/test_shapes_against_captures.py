"""What ytmusicapi makes of recorded answers and of the emulator's has the same shape."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ytmusicapi import YTMusic

from scripts.upstream_emulator import Catalogue

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "captures"

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not here")

Read = Callable[[YTMusic], Any]
# keys of signed-in visitors, of older layouts, or of things the catalogue has none of
ONLY_RECORDED = {
    "languages", "playlists", "shows", "podcasts", "episodes", "collaborators", "other_versions",
    "feedbackTokens", "listenAgainFeedbackTokens", "setVideoId", "count", "author", "url",
}  # fmt: skip
# keys that come and go in recorded answers, too
ONLY_EMULATED = {"genres", "feedbackTokens", "listenAgainFeedbackTokens", "creditsBrowseId"}


def _replay(name: str, read: Read) -> Any:
    music = YTMusic()
    answer = json.loads((CAPTURES / name).read_text())
    music._send_request = lambda *_, **__: answer
    return read(music)


def _leaves(value: Any, path: str = "") -> Iterable[tuple[str, str]]:
    """Each key path with the type found there; all items of a list share one path."""
    if isinstance(value, dict):
        yield path, "dict"
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    else:
        yield path, type(value).__name__


def _shape(*values: Any) -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for value in values:
        for path, kind in _leaves(value):
            made.setdefault(path, set()).add(kind)
    return made


def _without(shape: dict[str, set[str]], keys: set[str]) -> dict[str, set[str]]:
    return {
        path: kinds
        for path, kinds in shape.items()
        if not keys & set(path.replace("[]", "").split("."))
    }


CASES: list[tuple[str, Read, Callable[[Catalogue], list[Read]]]] = [
    (
        "ytmusicapi/2026_07_get_charts_us_no_genres.json",
        lambda music: music.get_charts("US"),
        lambda _: [lambda music: music.get_charts("US")],
    ),
    (
        "derived/charts_zz.json",
        lambda music: music.get_charts("ZZ"),
        lambda _: [lambda music: music.get_charts("ZZ")],
    ),
    *(
        (
            f"ytmusicapi/{name}.json",
            lambda music: music.get_artist("UC"),
            lambda found: [
                lambda music, a=a: music.get_artist(a)
                for case in ("artist_more_albums", "artist_carousel_only")
                for a in found.samples()[case]
            ],
        )
        for name in ("2026_05_get_artist1", "2026_05_get_artist2")
    ),
    (
        "youtui/get_artist_20250310.json",
        lambda music: music.get_artist("UC"),
        lambda found: [
            lambda music, a=a: music.get_artist(a) for a in found.samples()["artist_more_albums"]
        ],
    ),
    (
        "youtui/browse_artist_albums.json",
        lambda music: music.get_artist_albums("UC", "x"),
        lambda found: [
            lambda music, a=a: music.get_artist_albums(f"MPAD{a}", "ggMIegYIARoCAQI%3D")
            for a in found.samples()["artist_more_albums"][:3]
        ],
    ),
    *(
        (
            name,
            lambda music: music.get_album("MPREb_"),
            lambda found: [
                lambda music, a=a: music.get_album(a)
                for case in ("album", "album_unavailable_track")
                for a in found.samples()[case]
            ],
        )
        for name in (
            "ytmusicapi/2026_05_get_album.json",
            "youtui/get_album_20240724.json",
            "youtui/get_album_not_signed_in_20250611.json",
        )
    ),
    (
        "ytmusicapi/2025_01_get_playlist_chart.json",
        lambda music: music.get_playlist("OLAK5uy_x", limit=0),
        lambda found: [
            lambda music: music.get_playlist(found.samples()["playlist_chart"][0], limit=0)
        ],
    ),
    (
        "ytmusicapi/2024_03_get_playlist_public.json",
        lambda music: music.get_playlist("RDCLAK5uy_x", limit=0),
        lambda found: [
            lambda music: music.get_playlist(found.samples()["playlist_featured"][0], limit=0)
        ],
    ),
    (
        "youtui/get_playlist_20250604.json",
        lambda music: music.get_playlist("PLx", limit=0),
        lambda found: [
            lambda music: music.get_playlist(found.samples()["playlist_250"][0], limit=0)
        ],
    ),
    (
        "ytmusicapi/2025_12_get_playlist_audio.json",
        lambda music: music.get_playlist("OLAK5uy_x", limit=0),
        lambda found: [
            lambda music: music.get_playlist(
                next(a for a in found.albums if len(a.slots) > 9).playlist_id, limit=0
            )
        ],
    ),
    (
        "youtui/get_watch_playlist_20250630.json",
        lambda music: music.get_watch_playlist("x", limit=1),
        lambda found: [
            lambda music, t=t: music.get_watch_playlist(t.video_id)
            for t in found.with_lyrics(ytmusic="timed")[:3]
        ],
    ),
    *(
        (
            f"youtui/search_{chosen}_20231226.json",
            lambda music, chosen=chosen: music.search("x", filter=chosen, limit=1),
            lambda _, chosen=chosen: [
                lambda music, q=q: music.search(q, filter=chosen)
                for q in ("velvet harbour", "the very long", "golden signal")
            ],
        )
        for chosen in ("songs", "albums", "artists")
    ),
    (
        "youtui/search_artists_no_results_20231226.json",
        lambda music: music.search("x", filter="artists"),
        lambda _: [lambda music: music.search("zzzz qqqq xxxx", filter="artists")],
    ),
    *(
        (
            f"derived/lyrics_{form}.json",
            lambda music, timed=timed: music.get_lyrics("MPLYt_", timestamps=timed),
            lambda found, form=kept, timed=timed: [
                lambda music: music.get_lyrics(
                    found.with_lyrics(ytmusic=form)[0].lyrics_id, timestamps=timed
                )
            ],
        )
        for form, kept, timed in (
            ("plain", "plain", False),
            ("timed", "timed", True),
            ("timed_unsynced", "plain", True),
            ("not_available", "none", False),
        )
    ),
]


def _method(capture: str) -> str:
    """What all captures of one method have in their names."""
    found = re.search(r"get_[a-z]+|browse_\w+|search_[a-z]+|charts|lyrics_[a-z]+", capture)
    return found.group() if found else capture


@pytest.mark.parametrize(("capture", "recorded", "reads"), CASES, ids=[case[0] for case in CASES])
def test_results_have_the_recorded_shape(
    music: YTMusic,
    catalogue: Catalogue,
    capture: str,
    recorded: Read,
    reads: Callable[[Catalogue], list[Read]],
) -> None:
    expected = _shape(_replay(capture, recorded))
    family = _shape(*(_replay(c, r) for c, r, _ in CASES if _method(c) == _method(capture)))
    found = _shape(*(read(music) for read in reads(catalogue)))
    missing = set(_without(expected, ONLY_RECORDED)) - set(found)
    invented = set(_without(found, ONLY_EMULATED)) - set(family)
    assert (sorted(missing), sorted(invented)) == ([], [])
    for path in set(expected) & set(found):
        either = expected[path] | found[path]
        assert expected[path] & found[path] or "NoneType" in either, path


def _renderers(value: Any, path: tuple[str, ...] = ()) -> Iterable[tuple[str, str]]:
    """Each pair of a renderer and the renderer it lies in."""
    if isinstance(value, list):
        for inner in value:
            yield from _renderers(inner, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("Renderer"):
                yield (path[-1] if path else ""), key
                yield from _renderers(inner, (*path, key))
            else:
                yield from _renderers(inner, path)


def _recorded_pairs() -> set[tuple[str, str]]:
    pairs: set[tuple[str, str]] = set()
    for path in CAPTURES.rglob("*.json"):
        pairs.update(_renderers(json.loads(path.read_text())))
    return pairs


# seen in players, suggestions and searches that are not among these captures
ELSEWHERE = {
    "musicInlineBadgeRenderer",
    "searchSuggestionsSectionRenderer", "searchSuggestionRenderer", "playerAttestationRenderer",
    "audioOnlyPlayabilityRenderer", "miniplayerRenderer", "microformatDataRenderer",
}  # fmt: skip


def test_no_renderer_lies_where_none_was_recorded(
    music: YTMusic, catalogue: Catalogue, samples: dict[str, list[str]]
) -> None:
    recorded, answers = _recorded_pairs(), []
    send = music._send_request
    music._send_request = lambda *a, **k: (
        answers.append(send(*a, **k)) or json.loads(json.dumps(answers[-1]))
    )
    music.get_charts("US")
    for case in ("artist_more_albums", "artist_carousel_only"):
        music.get_artist(samples[case][0])
    for case in ("album", "album_unavailable_track", "ep"):
        music.get_album(samples[case][0])
    for case in ("playlist_250", "playlist_chart", "playlist_featured"):
        music.get_playlist(samples[case][0], limit=None)
    music.get_watch_playlist(samples["song_with_video"][0], limit=60)
    for chosen in ("songs", "albums", "artists", None):
        music.search("velvet harbour", filter=chosen)
    found = {pair for answer in answers for pair in _renderers(answer)}
    unseen = {pair for pair in found - recorded if not ELSEWHERE & set(pair)}
    assert sorted(unseen) == []
