"""What a client sees of a list of pictures at a size: where the best one is, or a placeholder."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

import orjson

from envelope import Envelope, etag_of
from forms import Forms
from services.artwork.placeholder import SVG, placeholder
from services.parsers.covers import best_cover, is_upstreams
from services.responses import VARY

#: Of the stored list, not of what is shown of it.
_OF_THE_LIST = frozenset({"Content-Type", "ETag", "Vary"})


def covered(stored: Envelope, size: int, base: str) -> Envelope:
    """The redirect to the best picture, or a picture that says that there is none.

    It lives as long as the list. `base` is where upstream is: it may have its pictures there too.
    """
    pictures = [one for one in orjson.loads(stored.body) if is_upstreams(one["url"], base)]
    url = best_cover(pictures, size)
    return _drawn(stored, size) if url is None else _redirect(stored, url)


def _redirect(stored: Envelope, url: str) -> Envelope:
    headers = (*_kept(stored), ("Location", url))
    return replace(
        stored, status=HTTPStatus.FOUND, forms=Forms.of_once(b""), etag="", headers=headers
    )


def _drawn(stored: Envelope, size: int) -> Envelope:
    body = placeholder(stored.key, size)
    etag = etag_of(body)
    headers = (*_kept(stored), ("Content-Type", SVG), ("ETag", etag), VARY)
    return replace(stored, forms=Forms.of_once(body), etag=etag, headers=headers)


def _kept(stored: Envelope) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in stored.headers if pair[0] not in _OF_THE_LIST)
