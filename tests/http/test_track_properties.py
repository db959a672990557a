"""Whatever its upstreams do, and whoever looks when: what a track says is what its sections say."""

from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.conftest import gateway_over
from tests.doubles import FakeClock
from tests.http.test_track import hold_flights
from tests.http.tracks import NAMES, SUNG, idle, kill, pass_time, seen, statuses

pytestmark = pytest.mark.usefixtures("one_provider")

UPSTREAMS = ("ytmusic/player", "ytmusic/next", "ytmusic/album", "ytmusic/artist", "lrclib")
VISITS = ("", "?sections=song,related", "?sections=lyrics,album", "?sections=artists")
#: Under the 24 h of a whole life all together.
PAUSES = (1, 7, 61, 3_600)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("visit"), st.sampled_from(VISITS)),
        st.tuples(st.just("land"), st.none()),
        st.tuples(st.just("fail"), st.tuples(st.sampled_from(UPSTREAMS), st.just(503))),
        st.tuples(st.just("lose"), st.tuples(st.sampled_from(UPSTREAMS), st.just(404))),
        st.tuples(st.just("mend"), st.none()),
        st.tuples(st.just("wait"), st.sampled_from(PAUSES)),
    ),
    min_size=3,
    max_size=12,
)


class Play:
    """A track, its upstreams, and what has been seen of it so far."""

    def __init__(self, emulator, video_id):
        self.emulator = emulator
        self.target = f"/track/{video_id}"
        self.running = gateway_over(
            emulator,
            FakeClock(),
            enable_hedging=False,
            enable_upstream_breaker=False,
        )
        self.pool = hold_flights(self.running)
        self.ready = set()

    def visit(self, query):
        seen(self.running, self.target + query)

    def land(self, _):
        """All that is begun; no question is asked twice on one flight."""
        self.emulator.calls.reset()
        flown = self.pool.run_all()
        idle(self.running)
        asked = Counter(
            (record.endpoint, record.question)
            for record in self.emulator.calls.log()
            if record.endpoint in ("player", "next", "album", "artist")
        )
        assert all(count <= max(1, flown) for count in asked.values()), asked

    def fail(self, how):
        upstream, status = how
        kill(self.emulator, upstream, status=status)

    lose = fail

    def mend(self, _):
        self.emulator.faults.clear()

    def wait(self, sec):
        pass_time(self.running, sec)

    def check(self):
        answer = self.running.get(f"{self.target}/status")
        told, now = answer.json, set(statuses(answer).values())
        state = "loading" if "loading" in now else "incomplete" if "failed" in now else "complete"
        assert told["state"] == state
        for name in NAMES:
            section = told[name]
            is_ready = section["status"] == "ready"
            assert is_ready == (section["data"] is not None)
            assert is_ready == (section["age"] is not None)
            assert (section["code"] is not None) == (section["status"] in ("failed", "unavailable"))
            assert (section["retry_at"] is not None) == (section["status"] == "failed")
        ready = {name for name, status in statuses(answer).items() if status == "ready"}
        lost = {name for name in self.ready - ready if told[name]["status"] != "unavailable"}
        assert not lost, "what can be used stands, whatever fails"
        self.ready = ready


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=steps)
def test_a_track_says_what_its_sections_say_and_loses_nothing_it_has(emulator, plan):
    emulator.faults.clear()
    play = Play(emulator, SUNG[0])
    for name, how in [*plan, ("land", None)]:
        getattr(play, name)(how)
        play.check()
    emulator.faults.clear()
    for _ in range(3):
        play.wait(61)
        play.visit("")
        play.land(None)
        play.check()
    assert play.running.get(f"{play.target}/status").json["state"] == "complete"
