"""What a gateway's process holds after one cold fan-out upon another."""
