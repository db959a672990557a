"""What one cold answer of each endpoint costs upstream, and that a herd costs no more."""
