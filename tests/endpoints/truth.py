"""The catalogue in the words of our answers, and how the upstreams were asked for it."""

from __future__ import annotations

from collections import Counter

import orjson

LARGE_PX = 544


def told(response):
    """The JSON of a complete answer."""
    assert response.status_code == 200, response.text[:300]
    assert "X-Data-Partial" not in response.headers
    return orjson.loads(response.data)


def asked(emulator):
    """How often each endpoint of each upstream was asked.

    The visitor id is left out: a gateway asks for it once in its life.
    """
    records = emulator.calls.log()
    return Counter(f"{r.host}/{r.endpoint}" for r in records if r.endpoint != "visitor")


def records_of(emulator, endpoint):
    """The calls of one YouTube Music endpoint, in order of arrival."""
    return [r for r in emulator.calls.log() if (r.host, r.endpoint) == ("ytmusic", endpoint)]


def printed(seconds):
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}:{rest:02}"


def credits(artists):
    return [{"id": artist.id, "name": artist.name} for artist in artists]


def album_of(track):
    return {"id": track.album.id, "name": track.album.title} if track.album else None


def ids(tracks):
    """The video ids of our tracks, or of the catalogue's."""
    return [t["videoId"] if isinstance(t, dict) else t.video_id for t in tracks]


def unique(things):
    return list(dict.fromkeys(things))


def image_lists(payload):
    """Every thumbnail list of a JSON payload, however deep."""
    if isinstance(payload, list):
        for item in payload:
            yield from image_lists(item)
    if isinstance(payload, dict):
        for key, value in payload.items():
            if key in ("thumbnails", "thumbnail") and isinstance(value, list):
                yield value
            else:
                yield from image_lists(value)


def assert_every_image_list_is_large(payload, at_least):
    """No list is without an image of 544 pixels on its longer side."""
    found = list(image_lists(payload))

    assert len(found) >= at_least
    for images in found:
        assert max(max(image["width"], image["height"]) for image in images) >= LARGE_PX, images
