"""Which form of a body a client gets: what it accepts, by the order in which that pays."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from forms import Form, Forms, gzipped_anyway

#: Takes the form from the forms; None where it has to be made.
Way = Callable[[Forms], Form | None]

#: Browsers send forty characters; what is longer gets the plain form and is not remembered.
LONGEST_ACCEPT_ENCODING = 200
#: Clients repeat a handful of values.
MOST_WAYS = 256

plain: Way = attrgetter("plain")
packed: Way = attrgetter("packed")


def never_plain(forms: Forms) -> Form:
    """The gzip form even of a small body: this client refuses all else."""
    return (
        forms.packed if forms.packed and forms.is_packed else ("gzip", gzipped_anyway(forms.body))
    )


class Ways(dict[str, Way]):
    """By Accept-Encoding. A known one costs one look-up, and its way no call of Python:

    `coding, body = WAYS[accept_encoding](forms) or forms.other()`
    """

    def __missing__(self, accept_encoding: str) -> Way:
        """Read a value that was not seen lately."""
        if len(accept_encoding) > LONGEST_ACCEPT_ENCODING:
            return plain
        if len(self) >= MOST_WAYS:
            self.clear()
        way = self[accept_encoding] = way_of(accept_encoding)
        return way


def way_of(accept_encoding: str) -> Way:
    """What this client gets: gzip, unless it refuses that or would rather have the plain form.

    Who refuses both gets the plain form, which every client can read.
    Source: RFC 9110 section 12.5.3.
    """
    asked = parse_accept_header(accept_encoding, Accept)
    named = {name.lower(): quality for name, quality in asked}
    gzip, others = asked.quality("gzip"), named.get("*", 1)
    if gzip <= 0 or named.get("identity", 0) > gzip:
        return plain
    return packed if named.get("identity", others) > 0 else never_plain


WAYS = Ways()
