"""Romanisers side by side on sentences with known readings; writes docs/romanization.md."""
