"""What a person is told when their feed stands still: what happened, what stays, what to press."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.notices import FEED_BECAUSE, FEED_ILL, Notices
from services.feed.illness import ILL
from storage.notices import Notice
from tests.bot.factories import NOW, connection, user

KEEPS = "What was archived stays, and is served."
COOKIES, CONFIRMED, FEED = "🍪 Send new cookies", "✅ I confirmed", "📰 Feed"


async def told(incident: str, cause: str = "", kind: str = "feed_ill") -> tuple[str, list[str]]:
    """(text, labels of its buttons)"""

    async def of_user(_: int) -> list[Any]:
        return [connection(username="<mia>")]

    unused: Any = None
    texts = Notices(unused, unused, SimpleNamespace(of_user=of_user), lambda: NOW, {})  # type: ignore[arg-type]
    data = {"connection_id": 3, "incident": incident, "cause": cause}
    message = await texts.message(user(), Notice(1, 1001, kind, data, 0, NOW))
    assert message is not None
    return message.card.text, [key.label for row in message.card.rows for key in row]


@pytest.mark.parametrize(
    ("incident", "cause", "happened", "next_step", "keys"),
    [
        ("session_dead", "SessionRefused", "logged the account out", "Send new cookies", [COOKIES]),
        ("checkpoint", "Checkpoint", "wants to check that it is you", "press the", [CONFIRMED]),
        ("checkpoint", "ConsentWanted", "agree to its terms", "press the", [CONFIRMED]),
        ("checkpoint", "Suspended", "has suspended the account", "Appeal", [CONFIRMED]),
        ("frozen", "RateLimited", "asks to slow down", "by itself after the pause", []),
        ("stale", "", "could not be read for an hour", "I keep trying", []),
        ("stale", "Unavailable", "could not be reached for an hour", "I keep trying", []),
        ("stale", "UpstreamChanged", "in a shape that this version", "Upgrade Reelay", []),
        ("stale", "StorageFailed", "nothing could be written", "Free disk space", []),
        ("stale", "NoProgress", "were cut short", "within an hour", []),
    ],
)
async def test_each_trouble_in_words(
    incident: str, cause: str, happened: str, next_step: str, keys: list[str]
) -> None:
    text, labels = await told(incident, cause)
    title, rest = text.split("\n")
    assert title.startswith("📰 <b>The feed of @&lt;mia&gt; stands still.</b>")
    assert happened in title
    assert rest.startswith(KEEPS)
    assert next_step in rest
    assert labels == [*keys, FEED, "Menu"]


async def test_nothing_that_can_happen_is_without_words() -> None:
    assert set(FEED_ILL) == set(ILL)
    assert len({(await told("stale", cause))[0] for cause in ("", "KeyError", *FEED_BECAUSE)}) == 7


async def test_its_end_in_words() -> None:
    text, labels = await told("", kind="feed_well")
    assert text == "✅ The feed of <b>@&lt;mia&gt;</b> is read again."
    assert labels == ["Menu"]
