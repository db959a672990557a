"""Ids in the upstreams' formats, never the same one twice."""

from __future__ import annotations

import random
import string

_ALPHABET = string.ascii_letters + string.digits + "-_"
# the last character of an id carries fewer than six bits
_LAST_OF_8_BYTES = "048AEIMQUYcgkosw"
_LAST_OF_16_BYTES = "AQgw"


class Ids:
    """A seeded source of ids."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def _draw(self, prefix: str, length: int, last: str = _ALPHABET) -> str:
        while True:
            made = prefix + "".join(self._rng.choices(_ALPHABET, k=length - 1))
            made += self._rng.choice(last)
            if made not in self._used:
                self._used.add(made)
                return made

    def video(self) -> str:
        """A videoId."""
        return self._draw("", 11, _LAST_OF_8_BYTES)

    def channel(self) -> str:
        """A channel id."""
        return self._draw("UC", 22, _LAST_OF_16_BYTES)

    def release_key(self) -> str:
        """The part that an album's id and its lyrics ids share."""
        return self._draw("", 11)

    def album_playlist(self) -> str:
        """A playlist id of an album or of a chart."""
        return self._draw("OLAK5uy_" + self._rng.choice("klmn"), 32, _LAST_OF_16_BYTES)

    def playlist(self) -> str:
        """A playlist id of a person."""
        return self._draw("PL", 32)

    def editorial(self) -> str:
        """A playlist id of the editors."""
        return self._draw("RDCLAK5uy_" + self._rng.choice("klmn"), 32, _LAST_OF_16_BYTES)

    def image(self) -> str:
        """The unguessable part of a thumbnail's address."""
        return self._draw("", 76)
