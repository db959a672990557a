"""An operator's token: who sends it may pass."""

from __future__ import annotations

import hmac

from errors import Unauthorized


def require_bearer(token: str, authorization: str) -> None:
    """Check an Authorization header; the time it takes tells nothing about the token.

    Raises: Unauthorized.
    """
    scheme, _, credentials = authorization.partition(" ")
    sent = credentials.strip().encode("utf-8", "replace")
    if not hmac.compare_digest(sent, token.encode()) or scheme.lower() != "bearer":
        raise Unauthorized
