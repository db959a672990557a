"""What a caller sees of a stored answer: a page of its list, and the members he asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from envelope import Envelope, etag_of
from forms import Forms

#: Proxies refuse heads over 4 KB; whoever asks for fifty artists by name gets `next` alone.
MOST_LINK_CHARS = 2000
#: How far into a list a page may begin.
DEEPEST_OFFSET = 5000

#: Which members are wanted, and which of theirs; an empty one wants everything.
Tree = dict[str, "Tree"]


def after_list(payload: Any, view: View) -> int | None:
    """Where the next page of a stored list begins."""
    end = view.offset + (view.limit or len(payload))
    return end if end < len(payload) else None


class View(NamedTuple):
    """A slice and a selection; equal views of one answer are equal bytes.

    A tuple, because its hash costs a hit no call. `fields` is their canonical spelling. Link
    continues `target`, the question's URL, with what is `kept` of this caller's own; `follows`
    tells where the next page begins, if there is one.
    """

    offset: int = 0
    limit: int | None = None
    fields: str = ""
    kept: str = ""
    target: str = ""
    follows: Callable[[Any, View], int | None] = after_list

    @property
    def is_page(self) -> bool:
        """Whether there may be items that it does not show."""
        return self.offset > 0 or self.limit is not None

    @property
    def is_whole(self) -> bool:
        """Whether it shows the answer as it is stored."""
        return not (self.is_page or self.fields)

    @property
    def mark(self) -> View:
        """What it is kept by, beside the answer: that implies the question's URL."""
        return self._replace(target="")

    def at(self, offset: int) -> str:
        """The URL of another page."""
        start = f"offset={offset}" if offset else ""
        fields = f"fields={self.fields}" if self.fields else ""
        limit = "" if self.limit is None else f"limit={self.limit}"
        query = "&".join(filter(None, (self.kept, fields, limit, start)))
        joint = ("&" if "?" in self.target else "?") if query else ""
        return f"{self.target}{joint}{query}"


def derived(envelope: Envelope, view: View) -> Envelope:
    """The stored answer as the view shows it: bytes and validator of its own, the same times.

    An object is never cut here: the list in it was, when it was fetched.
    """
    stored = orjson.loads(envelope.body)
    shown = _cut(stored, view) if isinstance(stored, list) else stored
    if view.fields:
        shown = select(shown, tree_of(view.fields))
    forms, etag = envelope.forms, envelope.etag
    if shown is not stored:
        body = orjson.dumps(shown)
        forms, etag = Forms.of(body), etag_of(body)
    own = [pair if pair[0] != "ETag" else ("ETag", etag) for pair in envelope.headers]
    if link := _link(stored, view):
        own.append(("Link", link))
    return replace(envelope, forms=forms, etag=etag, headers=tuple(own))


def _cut(stored: list[Any], view: View) -> list[Any]:
    end = None if view.limit is None else view.offset + view.limit
    cut = stored[view.offset : end]
    return stored if len(cut) == len(stored) else cut


def _link(stored: Any, view: View) -> str:
    """The neighbours of a page; nothing where it is everything.

    Source: RFC 8288.
    """
    if not view.is_page:
        return ""
    following = view.follows(stored, view)
    has_next = following is not None and following <= DEEPEST_OFFSET
    links = [f'<{view.at(following or 0)}>; rel="next"'] if has_next else []
    if view.offset:
        before = max(0, view.offset - (view.limit or view.offset))
        links += [f'<{view.at(before)}>; rel="prev"', f'<{view.at(0)}>; rel="first"']
    while links and len(", ".join(links)) > MOST_LINK_CHARS:
        links.pop()
    return ", ".join(links)


def tree_of(fields: str) -> Tree:
    """The paths of a selection, put together."""
    tree: Tree = {}
    for path in fields.split(","):
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return tree


def select(value: Any, tree: Tree) -> Any:
    """Of each object the members that are wanted, in their own order; paths go through lists.

    What failed says so whole, whatever was asked for.
    """
    if isinstance(value, list):
        return [select(one, tree) for one in value]
    if not tree or not isinstance(value, dict) or "error" in value:
        return value
    return {
        name: select(member, tree.get(name, {}))
        for name, member in value.items()
        if name in tree or _tells_failures(member)
    }


def _tells_failures(member: Any) -> bool:
    is_list = isinstance(member, list) and len(member) > 0
    return is_list and all(isinstance(one, dict) and "error" in one for one in member)
