"""Programs that support the gateway but are not part of it."""
