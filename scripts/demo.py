"""The gateway over the upstream emulator, in one process: no network, no account, no set-up."""

from __future__ import annotations

import os
import sys

from scripts.upstream_emulator import Emulator

#: Lives so short that a reader sees an answer go stale, limits so high that a load test fits in;
#: anything set outside wins.
DEMO_SETTINGS = {
    "CACHE_TTL_TRENDING_SEC": "10",
    "CACHE_STALE_TRENDING_SEC": "3600",
    "CACHE_REVALIDATE_TRENDING_SEC": "3600",
    "RATELIMIT_REQUESTS_PER_MINUTE": "60000",
    "RATELIMIT_FETCHES_PER_MINUTE": "3000",
    "RATELIMIT_FETCHES_AT_A_TIME": "0",
}


def main() -> int:
    """Serve until told to stop; the exit code."""
    with Emulator(port=int(os.environ.get("EMULATOR_PORT", "9300")), art=True) as emulator:
        emulator.latency.set(p50_ms=180, p99_ms=900)
        translator = {"TRANSLATE_URL": emulator.base_url("translate")}
        for name, value in {**emulator.environment(), **translator, **DEMO_SETTINGS}.items():
            os.environ.setdefault(name, value)
        sys.stderr.write(f"upstream emulator on {emulator.address}, its switches at /_control\n")
        import app  # noqa: PLC0415  # reads the environment that was just set

        return app.main()


if __name__ == "__main__":
    sys.exit(main())
