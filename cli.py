"""`flask cache`: the operations on the cache, on the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TextIO

import click

from errors import GatewayError, InvalidRequest
from services.admin.client import NoAnswer, RemoteAdmin
from services.admin.events import Event, Failed, Listed, Progress, Summary, progress_line
from services.admin.operations import CacheAdmin
from services.admin.selection import MOST_AT_A_TIME
from services.admin.text import explanation_text, failures_text, status_text, summary_text
from services.upkeep import Upkeep
from settings import Settings

NO_REDIS = "Redis does not answer: check REDIS_URL, or give --url to ask a running gateway."


class Admin(Protocol):
    """The operations, wherever the cache is."""

    def status(self) -> dict[str, Any]:
        """Where answers are kept, and how many."""

    def explain(self, text: str) -> list[dict[str, Any]]:
        """All there is to tell of a key or a URL."""

    def run(self, action: str, raw: Mapping[str, Any]) -> Iterator[Event]:
        """The events of an operation."""


Opened = Callable[[str | None], AbstractContextManager[Admin]]


def cache_commands(admin: CacheAdmin, upkeep: Upkeep | None, settings: Settings) -> click.Group:
    """The commands; on Redis they work by themselves, otherwise through a running gateway."""

    @contextmanager
    def opened(url: str | None) -> Iterator[Admin]:
        with _told():
            if url or upkeep is None:
                here = f"http://127.0.0.1:{settings.port}"
                yield RemoteAdmin(url or here, settings.admin_token)
                return
            with _kept_up(upkeep):
                yield admin

    group = click.Group("cache", help="Look into the cache and change what it holds.")
    group.add_command(_status(opened))
    group.add_command(_explain(opened))
    for command in _operations(opened):
        group.add_command(command)
    return group


@contextmanager
def _kept_up(upkeep: Upkeep) -> Iterator[None]:
    """Leases are renewed while this lasts, and given back after it."""
    try:
        if not upkeep.begin():
            raise click.ClickException(NO_REDIS)
        yield
    finally:
        upkeep.stop()


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong is one sentence."""
    try:
        yield
    except InvalidRequest as error:
        raise click.UsageError(error.detail) from None
    except GatewayError as error:
        raise click.ClickException(error.detail) from None
    except NoAnswer as error:
        raise click.ClickException(str(error)) from None


def _url() -> click.Option:
    where = "Ask the gateway that runs there, with ADMIN_TOKEN. Without Redis: this machine's."
    return click.Option(["--url"], help=where)


def _status(opened: Opened) -> click.Command:
    def status(url: str | None) -> None:
        with opened(url) as admin:
            click.echo(status_text(admin.status()))

    purpose = "Where answers are kept, how many, and in which state."
    return click.Command("status", callback=status, help=purpose, params=[_url()])


def _explain(opened: Opened) -> click.Command:
    def explain(key_or_url: str, url: str | None) -> None:
        with opened(url) as admin:
            click.echo("\n\n".join(map(explanation_text, admin.explain(key_or_url))))

    purpose = "Which state a key is in, or a URL's answer, why, and until when."
    params = [click.Argument(["key_or_url"]), _url()]
    return click.Command("explain", callback=explain, help=purpose, params=params)


def _operations(opened: Opened) -> Iterator[click.Command]:
    """refresh, purge and prewarm: the same selectors, the same telling."""
    for name, purpose in (
        ("refresh", "Fetch what is selected anew, however fresh it is."),
        ("purge", "Forget what is selected, in all instances."),
        ("prewarm", "Fetch what prewarm keeps, or what is selected of it."),
    ):
        yield click.Command(
            name, callback=_operation(opened, name), help=purpose, params=_options()
        )


def _options() -> list[click.Parameter]:
    at_a_time = click.IntRange(1, MOST_AT_A_TIME)
    return [
        click.Option(["--resource"], multiple=True, help="Of this resource; may be repeated."),
        click.Option(["--artist"], help="Asked for with this channel id."),
        click.Option(["--country"], help="Asked for with this country."),
        click.Option(["--glob"], help="Whose key fits this pattern: *, ? and [abc]."),
        click.Option(["--stale-only"], is_flag=True, help="Past their fresh life."),
        click.Option(["--all"], is_flag=True, help="Everything, where nothing else is selected."),
        click.Option(["--batch-size"], type=at_a_time, default=8, help="Keys at a time."),
        click.Option(["--dry-run"], is_flag=True, help="List the keys and do nothing."),
        _url(),
    ]


def _operation(opened: Opened, action: str) -> Callable[..., None]:
    def run(url: str | None, **asked: Any) -> None:
        given = {name: value for name, value in asked.items() if value}
        with opened(url) as admin:
            is_good = _tell_all(admin.run(action, given))
        if not is_good:
            raise SystemExit(1)

    return run


def _tell_all(events: Iterator[Event]) -> bool:
    """Show the events as they come; whether all went well."""
    bar, failures = ProgressBar(sys.stderr), list[Failed]()
    for event in events:
        match event:
            case Listed():
                click.echo(f"{event.state:<14} {event.key}")
            case Failed():
                failures.append(event)
            case Progress():
                bar.show(event)
            case Summary():
                bar.end()
                return _ended(event, failures)
    raise NoAnswer("The operation broke off.")


def _ended(summary: Summary, failures: list[Failed]) -> bool:
    click.echo(summary_text(summary))
    for lines in (failures_text(failures), *summary.warnings):
        if lines:
            click.echo(lines, err=True)
    return summary.is_good


class ProgressBar:
    """Redrawn in place on a terminal; elsewhere a line for about every tenth."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown = ""
        self._tenth = -1

    def show(self, now: Progress) -> None:
        """Draw what has changed."""
        line = progress_line(now.done, now.total, now.failed, now.left_sec)
        if self._is_terminal:
            self._stream.write("\r" + line.ljust(len(self._shown)))
            self._shown = line
        elif (tenth := 10 * now.done // max(1, now.total)) != self._tenth:
            self._stream.write(line + "\n")
            self._tenth = tenth
        self._stream.flush()

    def end(self) -> None:
        """Leave the last line as it is."""
        if self._shown:
            self._stream.write("\n")
