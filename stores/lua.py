"""A script that runs inside Redis, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from stores.redis_client import AnyRedis


class Script:
    """Named by its hash, and sent whole only to a server that does not know it.

    redis-py's own sends it to all nodes of a cluster, whichever of them are down.
    """

    def __init__(self, client: AnyRedis, text: str) -> None:
        self._client = client
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """The script's answer."""
        try:
            return self._client.evalsha(self._sha, len(keys), *keys, *args)
        except NoScriptError:
            return self._client.eval(self._text, len(keys), *keys, *args)
