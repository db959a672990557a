"""What instances tell each other about upstreams: which one is left alone, and who tries it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from protection.breaker import Breaker, Notice
from stores.guard import RedisDown
from stores.shared import SharedStore

#: A notice outlives what it tells: others hear of it a few beats late.
NOTICE_LIVES_AT_LEAST_SEC = 60.0
LONGEST_SEC = 86_400.0


class NoticeBoard:
    """One record an upstream in Redis, `{upstreams}:<name>`, and a claim while one of them tries.

    It only advises: where Redis is away or talks nonsense, each instance goes by what it sees.
    """

    def __init__(self, shared: SharedStore, clock: Callable[[], float]) -> None:
        self._shared = shared
        self._clock = clock
        self._instance = uuid.uuid4().hex[:12]

    def may_probe(self, name: str, sec: float) -> bool:
        """Whether no other instance tries this upstream now; they keep away for `sec`."""
        claim = self._shared.name("upstreams", f"{name}:probe")
        client = self._shared.client
        try:
            return self._shared.guard.call(
                lambda: client.set(claim, self._instance, nx=True, px=int(sec * 1000)) is not None
            )
        except RedisDown:
            return True

    def exchange(self, breakers: Sequence[Breaker]) -> None:
        """Tell the others what is new here, and follow them: one MGET where nothing is.

        Raises: RedisDown — what was not told is told the next time.
        """
        for breaker in breakers:
            if breaker.has_news:
                self._post(breaker)
        names = [self._shared.name("upstreams", breaker.name) for breaker in breakers]
        client = self._shared.client
        found = self._shared.guard.call(lambda: list(client.mget(names)))
        for breaker, record in zip(breakers, found, strict=False):
            notice = self._read(record)
            if notice is not None:
                breaker.heed(notice)

    def _post(self, breaker: Breaker) -> None:
        breaker.has_news = False  # before it is read: what changes from now on is news again
        notice = breaker.notice()
        record = self._written(notice)
        lives_sec = max(NOTICE_LIVES_AT_LEAST_SEC, notice.left_sec, notice.rest_sec)
        name, client = self._shared.name("upstreams", breaker.name), self._shared.client
        try:
            self._shared.guard.call(lambda: client.set(name, record, px=int(lives_sec * 1000)))
        except RedisDown:
            breaker.has_news = True
            raise

    def _written(self, notice: Notice) -> bytes:
        """The notice in wall-clock time, which instances share."""
        now = self._clock()
        return orjson.dumps(
            {
                "by": self._instance,
                "open": notice.is_open,
                "until": now + _bounded(notice.left_sec),
                "rest": now + _bounded(notice.rest_sec),
                "doublings": notice.doublings,
                "at": now - _bounded(notice.age_sec),
            }
        )

    def _read(self, record: Any) -> Notice | None:
        """Another instance's notice; None where there is none, or what lies there is not one."""
        now = self._clock()
        try:
            told = orjson.loads(record)
            if told["by"] == self._instance:
                return None
            return Notice(
                is_open=told["open"] is True,
                left_sec=_bounded(told["until"] - now),
                rest_sec=_bounded(told["rest"] - now),
                doublings=int(_bounded(told["doublings"])),
                age_sec=max(0.0, _bounded(now - told["at"])),
            )
        except (ValueError, TypeError, LookupError, ArithmeticError):
            return None


def _bounded(number: float) -> float:
    """The number, or the nearest that makes sense: nothing here is a day away."""
    return min(max(float(number), -LONGEST_SEC), LONGEST_SEC)
