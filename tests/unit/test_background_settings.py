"""The settings of the background: each that cannot work is refused at start, by its name."""

import pytest

from services.background import opening
from services.background.opening import check_background, open_background
from services.background.pool import Pool
from services.configuration import read_settings
from services.operations.registry import Operations
from settings import Settings, SettingsError
from tests.doubles import build_engine

CELERY = {"background_backend": "celery", "cache_backend": "redis"}


def problems(**settings):
    with pytest.raises(SettingsError) as refused:
        check_background(Settings(**settings))
    return refused.value.problems


def test_by_default_it_is_this_process_and_needs_nothing(clock):
    engine = build_engine(clock)

    check_background(Settings())
    assert isinstance(open_background(Settings(), engine, Operations(clock)), Pool)


@pytest.mark.parametrize(
    "url", ["", "redis://a/1", "rediss://:p@a:1/1", "unix:///a", "redis+sentinel://a,b/service"]
)
def test_celery_over_one_redis_is_fine(url):
    check_background(Settings(**CELERY, background_broker_url=url))


def test_celery_without_a_shared_cache_is_refused():
    (problem,) = problems(background_backend="celery")
    assert "CACHE_BACKEND=redis" in problem


@pytest.mark.parametrize("name", ["background_broker_url", "redis_url"])
def test_a_cluster_is_no_broker(name):
    (problem,) = problems(**CELERY, **{name: "redis+cluster://:secret@a"})
    assert f"{name.upper()} is a cluster" in problem
    assert "BACKGROUND_BROKER_URL" in problem
    assert "secret" not in problem


def test_a_broker_that_nobody_can_find_is_refused():
    (problem,) = problems(**CELERY, background_broker_url="redis://:secret@a/none")
    assert "A Redis URL is" in problem
    assert "secret" not in problem


def test_celery_that_is_not_installed_is_told_how_to_get(monkeypatch):
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    (problem,) = problems(**CELERY)
    assert "pip install -r requirements-worker.txt" in problem


def test_problems_are_told_with_all_others_at_start(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKGROUND_BACKEND", "celery")
    monkeypatch.setenv("BACKGROUND_BROKER_URL", "amqp://:secret@a")
    monkeypatch.setenv("CACHE_BACKEND", "simple")

    with pytest.raises(SettingsError) as refused:
        read_settings()

    told = "\n".join(refused.value.problems)
    assert "BACKGROUND_BROKER_URL=(hidden)" in told
    assert "needs CACHE_BACKEND=redis" in told
    assert "secret" not in told
