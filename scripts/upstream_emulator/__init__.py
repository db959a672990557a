"""A loopback server that speaks for every upstream of the gateway about an invented catalogue."""

from scripts.upstream_emulator.calls import CallRecord
from scripts.upstream_emulator.catalogue import Catalogue
from scripts.upstream_emulator.emulator import HOSTS, Emulator
from scripts.upstream_emulator.faults import Fault

__all__ = ["HOSTS", "CallRecord", "Catalogue", "Emulator", "Fault"]
