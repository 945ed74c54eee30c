"""When tokens are renewed, what may replace them, and which day is announced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.graph.tokens import Granted, Life, Renewal, alert_due, renewal, replaces
from services.graph.wire import Flavour
from storage.vault import Secret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def life(days, *, flavour=Flavour.INSTAGRAM, age_hours=48.0, unlimited=False):
    """Of a token with so many days left; None: nobody knows."""
    end = None if days is None else NOW + timedelta(days=days)
    return Life(flavour, NOW - timedelta(hours=age_hours), end, unlimited)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (life(40), Renewal.NOT_YET),
        (life(15.01), Renewal.NOT_YET),
        (life(15), Renewal.DUE),
        (life(0.01), Renewal.DUE),
        (life(0), Renewal.TOO_LATE),
        (life(-3), Renewal.TOO_LATE),
        (life(10, age_hours=23.9), Renewal.NOT_YET),
        (life(10, age_hours=24), Renewal.DUE),
        (life(None), Renewal.DUE),
        (life(None, age_hours=1), Renewal.NOT_YET),
        (life(40, flavour=Flavour.FACEBOOK), Renewal.NOT_YET),
        (life(10, flavour=Flavour.FACEBOOK, age_hours=1), Renewal.DUE),
        (life(None, flavour=Flavour.FACEBOOK, unlimited=True), Renewal.NOT_YET),
        (life(-1, flavour=Flavour.FACEBOOK), Renewal.TOO_LATE),
    ],
)
def test_when_it_is_renewed(token, expected):
    assert renewal(token, NOW) is expected


@pytest.mark.parametrize(
    ("old", "token", "days", "expected"),
    [
        (life(10), "new", 60, True),
        (life(10), "", 60, False),
        (life(10), "new", None, True),  # not told: 60 days
        (life(10), "new", 9, False),
        (life(None), "new", 60, True),
        (life(10), "new", -1, False),
        (life(None, unlimited=True), "new", 60, False),
        (life(None, unlimited=True), "new", None, True),
    ],
)
def test_a_good_token_is_never_replaced_by_nothing_or_by_less(old, token, days, expected):
    end = None if days is None else NOW + timedelta(days=days)
    assert replaces(old, Granted(Secret(token), end), NOW) is expected


def test_what_ends_first_counts():
    token = replace(life(60), data_ends_at=NOW + timedelta(days=5))
    assert token.ends_at == NOW + timedelta(days=5)
    assert life(None).ends_at is None


def test_ten_three_and_one_days_are_announced_once_each():
    end, warned, announced = NOW + timedelta(days=12), None, []
    for hours in range(0, 13 * 24, 6):
        days = alert_due(end, warned, NOW + timedelta(hours=hours))
        if days is not None:
            warned = days
            announced.append((hours, days))
    assert announced == [(2 * 24, 10), (9 * 24, 3), (11 * 24, 1)]


def test_after_a_long_pause_only_the_nearest_is_announced():
    assert alert_due(NOW + timedelta(hours=20), None, NOW) == 1
    assert alert_due(NOW, None, NOW) is None
    assert alert_due(None, None, NOW) is None
