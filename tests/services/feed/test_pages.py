"""From rows to a feed: what names it for ever, and when it says that it has changed."""

from __future__ import annotations

from dataclasses import replace

from services.feed.notices import feed_uuid
from services.feed.pages import Place, feed_page, file_name, guid_of
from storage.feed_notices import Notice
from storage.feeds import Feed, File, Item
from tests.support.rows import NOW, at

FEED = Feed(3, 11, "posts", None, None, "Home", 7, at(90), NOW)
HERE, THERE = Place("https://a.example/f/T/", "feed.xml"), Place("http://b.example/", "feed.xml")


def item(post_id: int = 5, **changes: object) -> Item:
    made = Item(
        post_id, guid_of("instagram", "39"), "shown", at(1), "39", "Cx", "photo", "mia", "Hi", NOW
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_names_it_does_not_depend_on_where_it_is_served() -> None:
    pages = [feed_page(FEED, [item()], {}, [], place) for place in (HERE, THERE)]
    assert len({page.guid for page in pages}) == 1
    assert {page.entries[0].guid for page in pages} == {"tag:instagram.com,2010:39"}
    assert [page.self_address for page in pages] == [HERE.address, THERE.address]


def test_no_two_feeds_have_one_name() -> None:
    others = [FEED, replace(FEED, id=4), replace(FEED, user_id=12), replace(FEED, created_at=at(1))]
    assert len({feed_uuid(one) for one in others}) == 4
    every = feed_page(FEED, [], {}, [], HERE)
    assert (every.title, every.description) == ("Instagram · Home", "Home, archived by Reelay")
    by_author = feed_page(FEED, [], {}, [], HERE, author="mia")
    assert by_author.guid != every.guid
    assert (by_author.title, by_author.address) == (
        "@mia · Home",
        "https://a.example/f/T/?author=mia",
    )


def test_it_changed_when_what_it_lists_did() -> None:
    told = Notice("g", "frozen", "", at(2), None)
    assert feed_page(FEED, [], {}, [], HERE).updated == NOW  # when it was made
    assert feed_page(FEED, [item()], {}, [], HERE).updated == at(1)
    assert feed_page(FEED, [item()], {}, [told], HERE).updated == at(2)
    over = replace(told, closed_at=at(4))
    assert feed_page(FEED, [item()], {}, [over], HERE).updated == at(4)


def test_files_have_addresses_and_their_true_length() -> None:
    files = {
        5: [File(0, "image", "image/webp", 12, 3, None), File(1, "video", "video/mp4", 9, 1, 2)]
    }
    (entry,) = feed_page(FEED, [item()], files, [], HERE).entries
    assert [(one.url, one.bytes, one.medium) for one in entry.media] == [
        ("https://a.example/f/T/media/5/0.webp", 12, "image"),
        ("https://a.example/f/T/media/5/1.mp4", 9, "video"),
    ]
    assert not entry.missing


def test_a_placeholder_says_that_its_pictures_are_missing() -> None:
    (entry,) = feed_page(FEED, [item(state="placeholder", caption="")], {}, [], HERE).entries
    assert (entry.missing, entry.title) == (True, "Photo by mia")


def test_a_type_that_is_not_known_is_bytes() -> None:
    assert file_name(2, "text/html") == "2.bin"
