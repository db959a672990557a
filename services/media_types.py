"""The media type of a failure: JSON, problem+json for who asks for that, or a picture."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

JSON_TYPE = "application/json"
#: Source: RFC 9457 section 3.
PROBLEM_TYPE = "application/problem+json"

#: Browsers send two hundred characters; what is longer is not read.
LONGEST_ACCEPT = 500
#: Clients repeat a handful of values.
MOST_ACCEPTS = 256


def error_type(accept: str) -> str:
    """The type of an error's body for this client: it is the same body."""
    return _asked_for(accept) if len(accept) <= LONGEST_ACCEPT else JSON_TYPE


def takes_pictures(accept: str) -> bool:
    """Whether this client names pictures, as browsers do for one; a wildcard names nothing."""
    return len(accept) <= LONGEST_ACCEPT and _names_pictures(accept)


@lru_cache(MOST_ACCEPTS)
def _names_pictures(accept: str) -> bool:
    liked = parse_accept_header(accept, Accept)
    return any(value.lower().startswith("image/") and quality > 0 for value, quality in liked)


@lru_cache(MOST_ACCEPTS)
def _asked_for(accept: str) -> str:
    """problem+json where it is named, unless plain JSON is liked better.

    A wildcard does not name it: clients that know nothing of it send one. Who names both, liked
    alike, expects data as the one and failures as the other.
    Source: RFC 9110 section 12.5.1.
    """
    liked = {
        value.partition(";")[0].strip().lower(): quality
        for value, quality in parse_accept_header(accept, Accept)
    }
    ranges = (JSON_TYPE, "application/*", "*/*")
    json = next((liked[one] for one in ranges if one in liked), 0)
    problem = liked.get(PROBLEM_TYPE, 0)
    return PROBLEM_TYPE if problem and problem >= json else JSON_TYPE
