"""What a feed says of itself."""

from __future__ import annotations

import pytest

from services.feed.notices import TEXTS, entry_of, guid_of
from storage.feed_notices import Notice
from storage.feeds import Feed
from tests.support.rows import NOW, at

FEED = Feed(3, 11, "posts", None, None, "Home", 7, at(90), NOW)


def test_each_incident_has_one_name_in_each_feed() -> None:
    other = Feed(4, 11, "posts", "1000", None, "Home", 7, at(90), NOW)
    names = {guid_of(feed, incident) for feed in (FEED, other) for incident in (1, 2, 1)}
    assert len(names) == 4
    assert all(name.startswith("urn:uuid:") for name in names)


@pytest.mark.parametrize("kind", [*TEXTS, "of a newer version"])
def test_open_it_is_dated_and_closed_it_says_so(kind: str) -> None:
    told = entry_of(Notice("g", kind, "", NOW, None), "https://a.example/")
    over = entry_of(Notice("g", kind, "", NOW, at(9)), "https://a.example/")
    assert (told.guid, told.published, told.updated) == ("g", NOW, NOW)
    assert (over.guid, over.published, over.updated) == ("g", NOW, at(9))
    assert told.notice
    assert over.title.startswith("✅")
    assert told.title.startswith("⚠️")
    assert "archived before stays" in told.caption


def test_in_a_feed_of_several_accounts_it_names_the_one() -> None:
    told = entry_of(Notice("g", "checkpoint", "Home of @mia", NOW, None), "https://a.example/")
    assert told.title.startswith("⚠️ Home of @mia: Instagram wants to see")
