"""What it costs to make an answer of an upstream's body, stage by stage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
import requests
from ytmusicapi import YTMusic
from ytmusicapi.helpers import initialize_headers

from decoding import json_of
from envelope import etag_of
from forms import gzipped
from scripts.upstream_emulator import Emulator
from services.resource import Params, Resource
from services.table import RESOURCES

#: Of so many runs the quickest counts: CPU time only ever grows by what others do.
RUNS = 15


@dataclass(frozen=True, slots=True)
class Parse:
    """One kind of body.

    Units: milliseconds of CPU. `decode_ms` is `json_of`, which is orjson within our bounds.
    """

    kind: str
    body_bytes: int
    stdlib_ms: float
    orjson_ms: float
    decode_ms: float
    walk_ms: float
    shape_ms: float
    seal_ms: float

    @property
    def ours_ms(self) -> float:
        """The whole way of a body through the gateway."""
        return self.decode_ms + self.walk_ms + self.shape_ms + self.seal_ms

    @property
    def naive_ms(self) -> float:
        """What the library alone takes, which decodes with the standard library."""
        return self.stdlib_ms + self.walk_ms


class _Walker(YTMusic):
    """`ytmusicapi` over an emulator, or over a tree that is at hand."""

    def __init__(self, emulator: Emulator) -> None:
        self._url = f"{emulator.base_url('ytmusic')}/youtubei/v1/"
        self._wire = requests.Session()
        self.body = b""
        self.tree: dict[str, Any] | None = None
        super().__init__(requests_session=self._wire)

    def _send_request(
        self,
        endpoint: str,
        body: dict[str, Any],
        additionalParams: str = "",  # noqa: N803  # theirs
    ) -> dict[str, Any]:
        if self.tree is not None:
            return self.tree
        asked = body | self.context
        url = self._url + endpoint + self.params + additionalParams
        response = self._wire.post(url, json=asked, headers=initialize_headers())
        self.body = response.content
        tree: dict[str, Any] = orjson.loads(self.body)
        return tree

    def close(self) -> None:
        """End its connections."""
        self._wire.close()


class _Canned:
    """The `ytmusic` client of a fetch: asks the walker, or says again what it said."""

    def __init__(self, walker: _Walker) -> None:
        self._walker = walker
        self.asked: Callable[[], Any] = lambda: None
        self.answer: Any = None

    def ask(self, method: str, *args: Any, deadline: Any, check: Any = None, **kwargs: Any) -> Any:
        """What `ytmusicapi` made of the body."""
        del deadline, check
        if self._walker.tree is None:
            self.asked = lambda: getattr(self._walker, method)(*args, **kwargs)
            self.answer = self.asked()
        return self.answer


def measure_parsing(emulator: Emulator) -> Iterator[Parse]:
    """Every kind of body that a hot endpoint reads many of, or large ones; the smallest first."""
    ids = emulator.catalogue.samples()
    track = emulator.catalogue.songs()[0]
    asked = {
        "song": ("subcache_song", {"video_id": track.video_id}),
        "search": ("song_match", {"title": track.title, "artist": track.byline}),
        "artist": ("artist", {"artist_id": ids["artist"][0]}),
        "album": ("album", {"album_id": ids["album"][0]}),
        "playlist": ("playlist_pages", {"playlist_id": ids["playlist_250"][0]}),
        "radio": ("subcache_seed", {"seed_id": track.video_id}),
    }
    for kind, (name, told) in asked.items():
        yield _parse(emulator, kind, RESOURCES[name], told)


def _parse(emulator: Emulator, kind: str, resource: Resource[Any], told: dict[str, Any]) -> Parse:
    walker = _Walker(emulator)
    client = _Canned(walker)
    sources = SimpleNamespace(upstream=SimpleNamespace(ytmusic=client), deadline=None)
    params: Params = resource.params_type.model_validate(told)

    def shaped() -> Any:
        return resource.fetch(sources, params).payload

    payload = shaped()
    walker.close()
    body = walker.body
    sealed = orjson.dumps(payload)
    walk_ms = _walk_ms(walker, client, body)
    return Parse(
        kind,
        len(body),
        stdlib_ms=_quickest_ms(lambda: json.loads(body)),
        orjson_ms=_quickest_ms(lambda: orjson.loads(body)),
        decode_ms=_quickest_ms(lambda: json_of(body)),
        walk_ms=walk_ms,
        shape_ms=_quickest_ms(shaped),
        seal_ms=_quickest_ms(lambda: (orjson.dumps(payload), gzipped(sealed), etag_of(sealed))),
    )


def _walk_ms(walker: _Walker, client: _Canned, body: bytes) -> float:
    """The library's own time; it takes pieces out of the tree, so each run gets a new one."""
    taken = []
    for _ in range(RUNS):
        walker.tree = orjson.loads(body)
        began = time.thread_time()
        client.asked()
        taken.append(time.thread_time() - began)
    return min(taken) * 1000


def _quickest_ms(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(RUNS):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return min(taken) * 1000
