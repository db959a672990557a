"""/dashboard: the operator's page for anybody, its figures for whoever may see them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import orjson
from flask import Flask, Response, request

from errors import InvalidRequest
from services.dashboard.board import Board
from services.limits.guesses import Guesses
from services.limits.reception import client_in
from services.media_types import JSON_TYPE
from services.pages.documents import View
from services.responses import momentary

FIGURES = "/dashboard/figures"


@dataclass(frozen=True, slots=True)
class DashboardRoutes:
    """Mounts the page, which holds nothing secret, and what it asks for.

    Figures are as open as /metrics: to all, or to who sends `metrics_token` or `admin_token`. The
    latter alone is also told what people asked for.
    """

    page: View
    board: Board
    guesses: Guesses
    admin_token: str = ""
    metrics_token: str = ""

    def mount(self, app: Flask) -> None:
        """A rule each."""
        app.add_url_rule("/dashboard", "dashboard", self.page)
        app.add_url_rule(FIGURES, "dashboard_figures", self._figures)

    def _figures(self) -> Response:
        is_private = self._is_operator()
        told = self.board.told(_since(), request.args.get("process", ""), is_private=is_private)
        return Response(orjson.dumps(told), headers=momentary(JSON_TYPE))

    def _is_operator(self) -> bool:
        """Whether it is the operator who asks; where no token is configured nobody is known to be.

        Raises: Unauthorized, RateLimited.
        """
        tokens = [token for token in (self.admin_token, self.metrics_token) if token]
        if not tokens:
            return False
        authorization = request.headers.get("Authorization", "")
        client = client_in(request.environ)
        return self.guesses.token_of(authorization, client, tokens) == self.admin_token


def _since() -> float:
    """The moment after which samples are wanted.

    Raises: InvalidRequest.
    """
    try:
        since = float(request.args.get("since", "-1"))
    except ValueError:
        since = math.nan
    if not math.isfinite(since):
        raise InvalidRequest("since must be a number: `at` of the last row that is known.")
    return since
