"""HTML pages, parsed only where a parser looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bs4 import BeautifulSoup, SoupStrainer
from bs4.builder import ParserRejectedMarkup
from bs4.element import PageElement, Tag

from errors import UpstreamChanged

#: html.parser takes about 6 ms for a thousand tags, whatever they are; a chart page has 5,300.
MOST_TAGS = 60_000
#: One tag with two hundred thousand attributes takes half a second; real ones hold a few KiB.
LONG_TAG = re.compile(r"<[A-Za-z][^<>]{100000}")
LONGEST_PAGE_CHARS = 2 * 2**20

_COMMENT, _COMMENT_END = "<!--", "-->"


@contextmanager
def parsed(html: str, parts: SoupStrainer) -> Iterator[BeautifulSoup]:
    """The parts of a page, for as long as they are looked at; the rest is never built.

    Taken apart at the end: its elements know each other, so only the collector would free them.

    Raises: UpstreamChanged for a text that is no HTML, which bs4 would take for a file name, and
            for one that would take seconds to read.
    """
    is_long = len(html) > LONGEST_PAGE_CHARS or html.count("<") > MOST_TAGS
    if is_long or LONG_TAG.search(html):
        raise UpstreamChanged("A page came that is too large to be read.")
    markup = _closed(html)
    if not markup:
        raise UpstreamChanged("A page came without any markup.")
    try:
        tree = BeautifulSoup(markup, "html.parser", parse_only=parts)
    except ParserRejectedMarkup:
        raise UpstreamChanged("A page came in markup that cannot be read.") from None
    try:
        yield tree
    finally:
        _take_apart(tree)


def _take_apart(tree: BeautifulSoup) -> None:
    """Free the elements of a tree: bs4's own way passes over the parts, or is quadratic."""
    waiting: list[PageElement] = [tree]
    while waiting:
        element = waiting.pop()
        if isinstance(element, Tag):
            waiting += element.contents
        vars(element).clear()


def _closed(html: str) -> str:
    """A page without comments, marked sections and the tag that its end cuts off.

    html.parser looks for the end of each of them anew, which takes quadratic time on a page
    that opens many and closes none.
    """
    pieces = []
    start = html.find("<")
    while 0 <= start < len(html):
        comment = html.find(_COMMENT, start)
        end = html.find(_COMMENT_END, comment + len(_COMMENT)) if comment >= 0 else -1
        pieces.append(html[start : comment if comment >= 0 else len(html)])
        start = end + len(_COMMENT_END) if end >= 0 else len(html)
    # Nothing takes a comment's place: servers part one text by empty ones. What is left to open
    # a comment came together just now.
    markup = "".join(pieces).replace(_COMMENT, " ").replace("<![", " ").replace("<?", " ")
    return markup[: markup.rfind(">") + 1]
