"""The emulator: the server, its catalogue and its switches in one object."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType

from scripts.upstream_emulator import billboard, genius, libretranslate, lrclib, lyrics_ovh
from scripts.upstream_emulator.artwork import Illustrated
from scripts.upstream_emulator.catalogue import Catalogue, catalogue_of
from scripts.upstream_emulator.control import Switchboard
from scripts.upstream_emulator.innertube import host as ytmusic
from scripts.upstream_emulator.server import Host, Server

#: What the gateway always asks; a translation server stands beside them, and is asked when told.
HOSTS = (ytmusic.NAME, lrclib.NAME, genius.NAME, lyrics_ovh.NAME, billboard.NAME)


class Emulator:
    """All upstreams on one port, started at once; close it or use it as a context.

    With `art` the pictures that YouTube Music names are drawn here; without, they are named as
    they are named in the world, and nobody finds them.
    """

    def __init__(
        self, seed: int = 7, port: int = 0, host: str = "127.0.0.1", *, art: bool = False
    ) -> None:
        self.catalogue: Catalogue = catalogue_of(seed)
        self._server = Server((host, port), dict(hosts_of(self.catalogue)), seed)
        if art:
            plain = self._server.hosts[ytmusic.NAME]
            self._server.hosts[ytmusic.NAME] = Illustrated(plain, self._server.base)
        self.translator = libretranslate.LibreTranslate()
        self._server.hosts[libretranslate.NAME] = self.translator
        self.faults = self._server.faults
        self.latency = self._server.latency
        self.calls = self._server.calls
        self._server.control = Switchboard(self.catalogue, self.faults, self.latency, self.calls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="upstreams", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """The address of the server, without a host's prefix."""
        return self._server.base

    def base_url(self, host: str) -> str:
        """The address that stands for a host."""
        if host not in self._server.hosts:
            raise ValueError(f"unknown host {host!r}; known: {', '.join(self._server.hosts)}")
        return f"{self.address}/{host}"

    def environment(self) -> dict[str, str]:
        """The settings that point the gateway here."""
        return {f"UPSTREAM_{host.upper()}_URL": self.base_url(host) for host in HOSTS}

    def close(self) -> None:
        """Stop the server and end every connection."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join(5)

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@lru_cache(maxsize=4)
def hosts_of(catalogue: Catalogue) -> Mapping[str, Host]:
    """Made once: they only look things up, and ordering their tables takes half a second."""
    return {
        ytmusic.NAME: ytmusic.YouTubeMusic(catalogue),
        lrclib.NAME: lrclib.Lrclib(catalogue),
        genius.NAME: genius.Genius(catalogue),
        lyrics_ovh.NAME: lyrics_ovh.LyricsOvh(catalogue),
        billboard.NAME: billboard.Billboard(catalogue),
    }
