"""What a Prefer header says about waiting."""

from __future__ import annotations

import re

from werkzeug.http import parse_list_header

#: Longer than that nobody waits who would rather not.
MOST_WAIT_SEC = 20
WHOLE_SECONDS = re.compile(r"[0-9]{1,6}")


def patience_sec(prefer: str) -> int | None:
    """How long to wait before the caller is told where to look; None: as long as it takes.

    A preference that cannot be read is none.
    Source: RFC 7240 sections 2, 4.1 and 4.3 — of several of one name the first counts.
    """
    wanted: dict[str, str] = {}
    for preference in parse_list_header(prefer):
        name, _, value = preference.partition(";")[0].partition("=")
        wanted.setdefault(name.strip().lower(), value.strip().strip('"'))
    if "respond-async" not in wanted:
        return None
    told = wanted.get("wait", "")
    return min(int(told), MOST_WAIT_SEC) if WHOLE_SECONDS.fullmatch(told) else 0
