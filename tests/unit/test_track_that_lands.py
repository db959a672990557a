"""A section of a track that lands just while somebody looks."""

from services.track.question import TrackQuestion
from services.track.sections import PIECES
from services.track.tracks import Tracks


class LandsNow:
    """A background whose last jobs land just as somebody asks what is under way."""

    def __init__(self, land):
        self._land = land

    def under_way(self, errand, keys):
        self._land()
        return ()

    def progress(self, errand):
        return None

    def refusal(self, key):
        return None


def test_it_is_never_told_to_be_missing(running, emulator):
    engine, video_id = running.gateway.engine, emulator.catalogue.songs()[0].video_id

    def land():
        (related,) = [piece for piece in PIECES if piece.name == "related"]
        engine.get(related.resource, related.params(video_id, "en"))

    tracks = Tracks(engine, LandsNow(land), running.gateway.observed.operations, {})

    glance = tracks.status(TrackQuestion(video_id, "en", ("related",)))

    assert (glance.state, glance.sections["related"].status) == ("complete", "ready")
