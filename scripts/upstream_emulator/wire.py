"""Questions and answers as the hosts' handlers see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Request:
    """One request; `path` has the host's prefix removed and is still percent-encoded."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    host: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        _, self.host, *rest = (*parts.path.split("/", 2), "", "")[:3]
        self.path = "/" + rest[0]
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))


@dataclass(slots=True)
class Answer:
    """One answer, not yet compressed."""

    body: bytes
    content_type: str = JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks, in a form that is equal for equal questions."""

    host: str
    endpoint: str
    text: str
