"""The pages hosts show instead of an answer."""

from __future__ import annotations

SORRY = (
    b'<!DOCTYPE html><html><head><meta charset="utf-8"><title>Sorry...</title></head><body>'
    b"<h1>Sorry...</h1><p>Your computer or network may be sending automated queries, so this "
    b"request is not answered right now.</p></body></html>"
)
CLOUDFLARE = (
    b'<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>'
    b'<meta name="robots" content="noindex,nofollow"></head><body><noscript>'
    b"Enable JavaScript and cookies to continue</noscript></body></html>"
)
CONSENT = (
    b'<!DOCTYPE html><html lang="en"><head><title>Before you continue</title></head><body>'
    b'<form action="/save" method="POST"><button>Accept all</button></form></body></html>'
)
MAINTENANCE = (
    b'<!DOCTYPE html><html lang="en"><head><title>Be right back</title></head><body>'
    b"<p>This is a page where an answer was expected.</p></body></html>"
)


def plain_page(status: int, reason: str) -> bytes:
    """A web server's own error page."""
    title = f"{status} {reason}"
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()
