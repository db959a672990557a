"""Who gets an error as problem+json, by the Accept header that was sent."""

import pytest

from services import media_types
from services.media_types import JSON_TYPE, PROBLEM_TYPE, error_type


@pytest.mark.parametrize(
    "accept",
    [
        PROBLEM_TYPE,
        "APPLICATION/Problem+JSON; charset=utf-8",
        f"{PROBLEM_TYPE}, */*;q=0.8",
        f"{PROBLEM_TYPE}, {JSON_TYPE};q=0.9",
        f"{JSON_TYPE}, {PROBLEM_TYPE}",
        f"{PROBLEM_TYPE};q=0.5, text/html, application/*;q=0.4",
    ],
)
def test_who_names_problem_json_and_likes_nothing_better_gets_it(accept):
    assert error_type(accept) == PROBLEM_TYPE


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        JSON_TYPE,
        f"{PROBLEM_TYPE};q=0",
        f"{PROBLEM_TYPE};q=0.5, {JSON_TYPE}",
        f"{PROBLEM_TYPE};q=0.5, */*",
        "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
        "application/problem+xml",
        f'"{PROBLEM_TYPE}"; ,;q=',
        f"{PROBLEM_TYPE}, {'a' * 500}",
    ],
)
def test_everybody_else_gets_plain_json(accept):
    assert error_type(accept) == JSON_TYPE


def test_what_clients_repeat_is_read_once_and_what_they_invent_is_not_kept():
    media_types._asked_for.cache_clear()
    for number in range(1000):
        error_type(f"text/{number}")
        error_type(f"text/{number}")

    remembered = media_types._asked_for.cache_info()

    assert (remembered.hits, remembered.misses) == (1000, 1000)
    assert remembered.currsize == media_types.MOST_ACCEPTS
