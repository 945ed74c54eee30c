"""What /feed says of an account whose last reading failed, and is tried again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.feed.cards import overview
from services.feed.status import Overview
from storage.feed_status import Account
from tests.support.rows import NOW, at

ACCOUNT = Account(
    1, 11, "7", "mia", "active", 3, NOW, "waiting", at(5), NOW, None, 1, 1, 0, 0, 0, None, None,
    None, None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("RateLimited", "Instagram asked to slow down"),
        ("Unavailable", "Instagram did not answer"),
        (None, "The last try failed"),
    ],
)
def test_it_says_why_it_waits(error: str | None, told: str) -> None:
    view = Overview([replace(ACCOUNT, last_error=error)], [], None, [], [])
    text = overview(view, "UTC", NOW).text
    assert f"🟡 <b>@mia</b> · last read 12:00, next about 12:05. {told}" in text
