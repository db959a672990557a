"""Lyrics in Latin letters: pure functions over libraries that docs/romanization.md compares."""
