"""Whether this process wants traffic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Readiness:
    """What /readyz tells a load balancer: traffic is wanted between the start and the drain."""

    has_started: bool = False
    is_draining: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether new requests are welcome."""
        return self.has_started and not self.is_draining
