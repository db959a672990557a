"""An operator's token: who sends it may pass."""

from __future__ import annotations

import hashlib
import hmac

from errors import Unauthorized


def require_bearer(token: str, authorization: str) -> None:
    """Let pass who sends the token.

    Raises: Unauthorized.
    """
    if not is_bearer(token, authorization):
        raise Unauthorized


def is_bearer(token: str, authorization: str) -> bool:
    """Whether an Authorization header holds the token; the time it takes tells nothing about it."""
    scheme, _, sent = authorization.partition(" ")
    return hmac.compare_digest(_digest(sent.strip()), _digest(token)) and scheme.lower() == "bearer"


def _digest(text: str) -> bytes:
    """As long as any other: even how long the token is remains unknown."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
