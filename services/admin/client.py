"""The operations on the cache of another process: a running gateway, asked over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import requests

from errors import InvalidRequest
from services.admin.events import Event, from_line
from services.media_types import JSON_TYPE

CONNECT_SEC = 5.0
#: Between two events lies at most one batch of fetches.
SILENCE_SEC = 600.0


class NoAnswer(Exception):
    """The operation could not be asked for, or broke off; the text is for the operator."""


class RemoteAdmin:
    """The same operations as `CacheAdmin`, on the gateway at `url`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/") + "/admin/cache"
        self._origin = url
        self._token = token

    def status(self) -> dict[str, Any]:
        """Where answers are kept, how many, and in which state."""
        return self._told("")

    def explain(self, text: str) -> list[dict[str, Any]]:
        """All there is to tell of a key or of a URL's answer."""
        is_url = text.startswith(("/", "http://", "https://"))
        told = self._told("/explain", params={"url" if is_url else "key": text})
        return list(told["keys"])

    def run(self, action: str, raw: Mapping[str, Any]) -> Iterator[Event]:
        """The events of an operation, as they come."""
        with self._asked("POST", f"/{action}", json=dict(raw), stream=True) as answer:
            try:
                yield from map(from_line, answer.iter_lines())
            except (requests.RequestException, ValueError):
                raise NoAnswer(f"The gateway at {self._origin} broke off.") from None

    def _told(self, path: str, **rest: Any) -> dict[str, Any]:
        """The JSON of an answer.

        Raises: as `_asked`.
        """
        answer = self._asked("GET", path, **rest)
        if JSON_TYPE not in answer.headers.get("Content-Type", ""):
            raise NoAnswer(f"What answers at {self._origin} is no gateway: give another --url.")
        told: dict[str, Any] = orjson.loads(answer.content)
        return told

    def _asked(self, method: str, path: str, **rest: Any) -> requests.Response:
        """The answer.

        Raises: NoAnswer; InvalidRequest — what is asked for is not acceptable.
        """
        if not self._token:
            raise NoAnswer("Set ADMIN_TOKEN to the gateway's: it is asked over HTTP.")
        try:
            answer = requests.request(
                method,
                self._url + path,
                auth=self._bearer(),
                timeout=(CONNECT_SEC, SILENCE_SEC),
                allow_redirects=False,  # the token is for this gateway only
                **rest,
            )
        except (requests.RequestException, ValueError):
            raise NoAnswer(
                f"No gateway answers at {self._origin}: start it, or give --url."
            ) from None
        if answer.status_code != requests.codes.ok:
            with answer:
                raise self._refusal(answer)
        return answer

    def _bearer(self) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
        """As `auth`, and not as a header: a .netrc would replace that."""

        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {self._token}"
            return request

        return signed

    def _refusal(self, answer: requests.Response) -> Exception:
        match answer.status_code:
            case 400:
                return InvalidRequest(_detail(answer))
            case 401:
                return NoAnswer(f"The gateway at {self._origin} has another ADMIN_TOKEN.")
            case 404:
                return NoAnswer(f"The gateway at {self._origin} has no ADMIN_TOKEN: set it there.")
        said = _detail(answer) or f"status {answer.status_code}"
        return NoAnswer(f"The gateway at {self._origin} refuses: {said}")


def _detail(answer: requests.Response) -> str:
    try:
        return str(orjson.loads(answer.content)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
