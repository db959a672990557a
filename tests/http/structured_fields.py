"""A strict reader of structured fields (RFC 8941), and of Cache-Status (RFC 9211) among them."""

from __future__ import annotations

import re

KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
NUMBER = re.compile(r"-?(\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])")
STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
BOOLEAN = re.compile(r"\?[01]")

FORWARDED = {"bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"}
#: What RFC 9211 says of each parameter's type.
PARAMETERS = {
    "hit": bool, "fwd": "token", "fwd-status": int, "ttl": int, "stored": bool,
    "collapsed": bool, "key": str, "detail": "token or string",
}  # fmt: skip


class Token(str):
    """A word without quotes, which is not the same as the string with those letters."""


class Reader:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def take(self, pattern):
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"{self.text!r} at {self.at}: no {pattern.pattern}")
        self.at = found.end()
        return found

    def takes(self, literal):
        is_there = self.text.startswith(literal, self.at)
        self.at += len(literal) * is_there
        return is_there

    def spaces(self):
        while self.takes(" "):
            pass

    def bare_item(self):
        start = self.text[self.at : self.at + 1]
        if start == '"':
            return re.sub(r"\\(.)", r"\1", self.take(STRING)[1])
        if start == "?":
            return self.take(BOOLEAN)[0] == "?1"
        if start == "-" or start.isdigit():
            number = self.take(NUMBER)[0]
            return float(number) if "." in number else int(number)
        return Token(self.take(TOKEN)[0])

    def parameters(self):
        parameters = {}
        while self.takes(";"):
            self.spaces()
            key = self.take(KEY)[0]
            assert key not in parameters, f"{key} twice"
            parameters[key] = self.bare_item() if self.takes("=") else True
        return parameters

    def members(self):
        members = [(self.bare_item(), self.parameters())]
        while self.at < len(self.text):
            self.spaces()
            if not self.takes(","):
                raise ValueError(f"{self.text!r} at {self.at}: no comma")
            self.spaces()
            members.append((self.bare_item(), self.parameters()))
        return members


def cache_status_of(text):
    """The parameters of our one member; AssertionError where RFC 9211 does not allow them."""
    ((name, parameters),) = Reader(text).members()
    assert name == "ytm"
    for key, value in parameters.items():
        wanted = PARAMETERS[key]
        if isinstance(wanted, str):
            assert isinstance(value, Token) or (type(value) is str and "string" in wanted)
        else:
            assert type(value) is wanted, (key, value)
    assert ("hit" in parameters) != ("fwd" in parameters), text
    if "fwd" in parameters:
        assert parameters["fwd"] in FORWARDED
    else:
        assert not parameters.keys() & {"stored", "collapsed", "fwd-status"}, text
        assert parameters["hit"] is True
    return parameters


def directives_of(cache_control):
    """Cache-Control by name; a directive without a value is True."""
    spelled = [directive.partition("=") for directive in cache_control.split(", ")]
    assert len({name for name, _, _ in spelled}) == len(spelled), "a directive twice"
    return {name: int(value) if value else True for name, _, value in spelled}
