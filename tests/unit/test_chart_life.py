"""How long a Hot 100 is fresh: until the next one is due."""

from datetime import UTC, datetime

import pytest

from services.endpoints.billboard import until_next_chart_sec


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 11, 17, 20, tzinfo=UTC), 7 * 24),
        (datetime(2026, 11, 21, 0, tzinfo=UTC), 3 * 24 + 20),
        (datetime(2026, 11, 24, 19, tzinfo=UTC), 1),
        (datetime(2026, 11, 24, 20, tzinfo=UTC), 1),
        (datetime(2026, 11, 30, tzinfo=UTC), 1),
    ],
    ids=["just out", "on its date", "an hour before", "due", "overdue: looked for every hour"],
)
def test_a_chart_is_fresh_until_the_next_is_due(now, hours):
    assert until_next_chart_sec("2026-11-21", now) == hours * 3600
