"""Answers in YouTube Music's own wire format."""
