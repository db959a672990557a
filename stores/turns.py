"""Whose turn it is to fetch a key, among all instances, and what is known of the key."""

from __future__ import annotations

from dataclasses import dataclass

from envelope import Envelope, Failure


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to fetch a key: whoever holds it is the one leader of all instances.

    One that `is_alone` was taken for want of Redis: its token binds nobody until Redis is back.
    Without a token it never does.
    """

    key: str
    token: str
    fence: str
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """What Redis knows of a key; `purged` is the fence of its last purge."""

    envelope: Envelope | None
    failure: Failure | None
    purged: str | None


@dataclass(frozen=True, slots=True)
class Newer:
    """No need to fetch: somebody just did."""

    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Refused:
    """No use in fetching: a failure still stands."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Taken:
    """Another instance fetches; its leader was last heard of `silent_sec` ago."""

    key: str
    token: str
    silent_sec: float = 0.0


Turn = Lease | Newer | Refused | Taken


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lives without renewal, and how long a silent leader is trusted.

    Units: seconds. `poll_sec` lies between looks where no connection is free to wait with.
    """

    lease_sec: float = 30.0
    patience_sec: float = 8.0
    poll_sec: float = 0.1
    are_on: bool = True

    @property
    def beat_sec(self) -> float:
        """How often a leader renews: often enough that one late beat loses nothing."""
        return min(1.0, self.lease_sec / 4, self.patience_sec / 4)
