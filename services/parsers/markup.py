"""HTML pages, parsed only where a parser looks."""

from __future__ import annotations

from bs4 import BeautifulSoup, SoupStrainer
from bs4.builder import ParserRejectedMarkup

from errors import UpstreamChanged


def parsed(html: str, parts: SoupStrainer) -> BeautifulSoup:
    """The parts of a page; the rest is never built.

    Raises: UpstreamChanged for a text that is no HTML, which bs4 would take for a file name.
    """
    if "<" not in html:
        raise UpstreamChanged("A page came without any markup.")
    try:
        return BeautifulSoup(html, "html.parser", parse_only=parts)
    except ParserRejectedMarkup:
        raise UpstreamChanged("A page came in markup that cannot be read.") from None
