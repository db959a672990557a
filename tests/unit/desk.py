"""An operator's desk: the operations over scripted resources, and the time that they take."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from services.admin.events import Listed
from services.admin.operations import CacheAdmin
from stores.turns import Lease
from tests.doubles import Question, build_engine, make_envelope


class Desk:
    """An admin over scripted resources, and the time its operations take."""

    def __init__(self, clock, *resources, members=()):
        self.clock, self.resources = clock, {one.name: one for one in resources}
        self.engine = build_engine(clock, *resources)
        self.stats = SimpleNamespace(calls=0)
        upstream = SimpleNamespace(name="ytmusic", stats=self.stats)
        self.engine.pilot = replace(self.engine.pilot, upstreams=SimpleNamespace(all=(upstream,)))
        self.seconds = 0.0
        self.admin = CacheAdmin(
            engine=self.engine,
            resources=self.resources,
            questions_of=lambda url: [],
            members=lambda: members,
            health=dict,
            timer=lambda: self.seconds,
        )

    @property
    def stored(self):
        return self.memory.keys()

    @property
    def memory(self):
        return self.engine.cache.memory

    def store(self, resource, params, **more):
        key = resource.key(params)
        asked = params.model_dump_json()
        self.memory.set(key, make_envelope(key, now=self.clock.now, asked=asked, **more))
        return key

    def fails(self, key, failure):
        self.engine.cache.keep_failure(failure, Lease(key, "", "1" * 16))

    def run(self, action, **asked):
        return list(self.admin.run(action, asked))

    def listed(self, action, **asked):
        events = self.run(action, dry_run=True, **asked)
        return {one.key: one.state for one in events if isinstance(one, Listed)}


def names(*given):
    return [Question(name=name) for name in given]
