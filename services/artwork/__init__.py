"""Covers: which pictures there are, which one is shown, and the routes that lead to it."""
