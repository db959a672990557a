"""Asking a running gateway: questions, bounded load, figures."""
