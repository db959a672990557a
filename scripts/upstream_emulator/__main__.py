"""Command line: run the emulator until it is interrupted."""

from __future__ import annotations

import argparse
import gc
import signal
import sys

from scripts.upstream_emulator.emulator import Emulator


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.upstream_emulator")
    parser.add_argument("--port", type=int, default=9300)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--latency", type=_latency, metavar="P50/P99", help="in ms, e.g. 180/900")
    return parser.parse_args(argv)


def _latency(text: str) -> tuple[float, float]:
    median, _, high = text.partition("/")
    return float(median), float(high or median)


def main(argv: list[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; 1 if the port is taken."""
    arguments = _arguments(argv)
    wanted = {signal.SIGINT, signal.SIGTERM}
    # blocked before the server's thread starts, so that it inherits the mask
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    try:
        emulator = Emulator(arguments.seed, arguments.port, arguments.host)
    except OSError as error:
        where = f"{arguments.host}:{arguments.port}"
        print(f"upstream emulator: cannot listen on {where}: {error.strerror}", file=sys.stderr)
        return 1
    with emulator:
        if arguments.latency:
            median, high = arguments.latency
            emulator.latency.set(p50_ms=median, p99_ms=high)
        print(f"upstream emulator (seed {arguments.seed}) at {emulator.address}", flush=True)
        # the catalogue never changes, so looking through it for garbage only costs time
        gc.freeze()
        signal.sigwait(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
