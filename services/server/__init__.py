"""Waitress on the gateway's port: driven by us, or as it comes."""
