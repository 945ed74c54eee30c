"""What is written can be read back, by a reader that is not ours, in all three formats alike."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from calendar import timegm
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.feed.render import atom, json_feed, rss
from services.feed.render.entries import FeedPage
from services.feed.render.text import clean, html, summary, title_of
from tests.services.feed.render.samples import HOSTILE, captions, entry, film, page, picture
from tests.support.rows import NOW

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ATOM = "{http://www.w3.org/2005/Atom}"
MRSS = "{http://search.yahoo.com/mrss/}"

CAROUSEL = entry(
    "tag:instagram.com,2010:8",
    title="Two & <three>",
    author="leo",
    media=(film(0), *(picture(n) for n in range(1, 50))),
)
BARE = entry("tag:instagram.com,2010:9", media=(), caption="", missing=True)
PAGE = page(entry(), CAROUSEL, BARE)


def moment(parsed: Any) -> datetime:
    return datetime.fromtimestamp(timegm(parsed), UTC)


Said = list[tuple[Any, ...]]
"""Of each item: id, title, author, link, date, HTML, (address, type, length) of files, cover."""


def written(feed: FeedPage) -> Said:
    return [
        (
            one.guid,
            one.title,
            one.author,
            one.link,
            one.published,
            html(one),
            [(file.url, file.mime, file.bytes) for file in one.media],
            next((file.url for file in one.media if file.medium == "image"), None),
        )
        for one in feed.entries
    ]


def as_feedparser_reads(items: list[Any]) -> Said:
    return [
        (
            item.id,
            item.title,
            item.author,
            item.link,
            moment(item.published_parsed),
            item.content[0].value,
            [
                (one["url"], one["type"], int(one["filesize"]))
                for one in item.get("media_content", [])
            ],
            item.media_thumbnail[0]["url"] if "media_thumbnail" in item else None,
        )
        for item in items
    ]


def as_json_says(items: list[Any]) -> Said:
    return [
        (
            item["id"],
            item["title"],
            item["authors"][0]["name"],
            item["url"],
            datetime.fromisoformat(item["date_published"]),
            item["content_html"],
            [
                (one["url"], one["mime_type"], one["size_in_bytes"])
                for one in item.get("attachments", [])
            ],
            item.get("image"),
        )
        for item in items
    ]


def parse(body: bytes) -> Any:
    """By feedparser, which gives the HTML as it came."""
    read = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    assert not read.bozo, read.get("bozo_exception")
    return read


@pytest.mark.parametrize("form", [rss, atom])
def test_feedparser_reads_it_back(form: Any) -> None:
    read = parse(form.render(PAGE))
    assert (read.feed.title, read.feed.link) == (PAGE.title, PAGE.address)
    assert (read.feed.subtitle, read.feed.language) == (PAGE.description, PAGE.language)
    assert moment(read.feed.updated_parsed) == PAGE.updated
    assert [link.href for link in read.feed.links if link.rel == "self"] == [PAGE.self_address]
    assert as_feedparser_reads(read.entries) == written(PAGE)
    sizes = [
        [(one["medium"], int(one["width"]), int(one["height"])) for one in item.media_content]
        for item in read.entries[:2]
    ]
    assert sizes == [
        [(one.medium, one.width, one.height) for one in entry.media] for entry in PAGE.entries[:2]
    ]
    enclosures = [(one.href, one.type, int(one.length)) for one in read.entries[1].enclosures]
    wanted = [(one.url, one.mime, one.bytes) for one in CAROUSEL.media]
    assert enclosures == (wanted[:1] if form is rss else wanted)  # RSS knows one for each item


def test_what_only_one_of_them_knows() -> None:
    read = parse(rss.render(PAGE))
    assert [item.summary for item in read.entries] == [summary(one) for one in PAGE.entries]
    assert (read.feed.ttl, read.entries[0].guidislink) == (str(PAGE.ttl_minutes), False)
    read = parse(atom.render(PAGE))
    assert read.feed.id == PAGE.guid
    assert [moment(item.updated_parsed) for item in read.entries] == [
        one.updated for one in PAGE.entries
    ]


def test_json_feed_says_the_same() -> None:
    read = json.loads(json_feed.render(PAGE))
    assert as_json_says(read["items"]) == written(PAGE)
    assert [datetime.fromisoformat(item["date_modified"]) for item in read["items"]] == [
        one.updated for one in PAGE.entries
    ]
    assert [item["content_text"] for item in read["items"]] == [one.caption for one in PAGE.entries]
    assert (read["title"], read["description"]) == (PAGE.title, PAGE.description)
    assert (read["home_page_url"], read["feed_url"]) == (PAGE.address, PAGE.self_address)


def test_json_feed_has_the_shape_of_version_1_1() -> None:
    """jsonfeed.org/version/1.1, by hand: required fields, types, and nothing that is not in it."""
    read = json.loads(json_feed.render(PAGE))
    assert read["version"] == "https://jsonfeed.org/version/1.1"
    texts = {"version", "title", "home_page_url", "feed_url", "description", "language"}
    assert set(read) == texts | {"items"}
    assert all(isinstance(read[name], str) for name in texts)
    texts = {"id", "title", "content_html", "content_text", "date_published", "date_modified"}
    for item in read["items"]:
        assert texts | {"authors", "url"} <= set(item)
        assert set(item) <= texts | {"authors", "url", "image", "attachments"}
        assert all(isinstance(item[name], str) for name in texts)
        assert all(datetime.fromisoformat(item[name]).tzinfo for name in item if "date_" in name)
        assert [set(author) for author in item["authors"]] == [{"name"}]
        for one in item.get("attachments", []):
            assert set(one) == {"url", "mime_type", "size_in_bytes"}
            assert isinstance(one["size_in_bytes"], int)
    assert read["items"][1]["image"] == CAROUSEL.media[1].url  # a film is no picture


@pytest.mark.parametrize("size", [0, -1])
def test_a_length_that_is_not_known_is_not_told(size: int) -> None:
    unknown = page(entry(media=(picture(bytes=size), picture(1))))
    item = ET.fromstring(rss.render(unknown)).find("channel/item")
    assert item is not None
    enclosure = item.find("enclosure")
    assert enclosure is not None
    assert enclosure.get("length") == "1001"  # of the first whose length is known
    assert all(
        link.get("length") in (None, "1001")
        for link in ET.fromstring(atom.render(unknown)).iter(f"{ATOM}link")
    )
    attachments = json.loads(json_feed.render(unknown))["items"][0]["attachments"]
    assert [one.get("size_in_bytes") for one in attachments] == [None, 1001]


def test_what_validators_want_of_rss() -> None:
    body = rss.render(PAGE)
    assert b"&#x26; co &#x3C;3" in body  # titles: hexadecimal references
    channel = ET.fromstring(body).find("channel")
    assert channel is not None
    assert channel.findtext("lastBuildDate") == "Fri, 20 Nov 2026 12:00:00 GMT"
    item = channel.find("item")
    assert item is not None
    assert item.findtext("pubDate") == "Tue, 17 Nov 2026 12:00:00 GMT"
    guid = item.find("guid")
    assert guid is not None
    assert guid.get("isPermaLink") == "false"


def test_a_feed_of_nothing_is_a_feed() -> None:
    for form in (rss, atom):
        read = feedparser.parse(form.render(page()))
        assert (read.bozo, read.entries) == (False, [])
    assert json.loads(json_feed.render(page()))["items"] == []


def test_two_moments_give_the_same_bytes() -> None:
    for form in (rss, atom, json_feed):
        assert form.render(PAGE) == form.render(PAGE)


# ---------------------------------------------------------------- hostile text


def read_back(caption: str, author: str = "mia") -> None:
    """All three formats give back exactly what XML can hold of the caption."""
    hostile = entry(title=title_of(caption, "Photo"), caption=caption, author=author)
    feed = page(hostile, entry("tag:instagram.com,2010:8"))
    rss_item = ET.fromstring(rss.render(feed)).findall("channel/item")
    atom_item = ET.fromstring(atom.render(feed)).findall(f"{ATOM}entry")
    items = json.loads(json_feed.render(feed).decode())["items"]
    assert len(rss_item) == len(atom_item) == len(items) == 2
    content = items[0]["content_html"]
    assert rss_item[0].findtext(CONTENT) == atom_item[0].findtext(f"{ATOM}content") == content
    assert rss_item[0].findtext("title") == atom_item[0].findtext(f"{ATOM}title")
    assert items[0]["title"] == rss_item[0].findtext("title")
    assert items[0]["content_text"] == clean(caption)
    assert "<script" not in content
    assert content.count("<") == content.count(">")


@pytest.mark.parametrize("caption", HOSTILE)
def test_a_known_enemy(caption: str) -> None:
    read_back(caption, author=caption)
    parsed = feedparser.parse(rss.render(page(entry(title=title_of(caption, "Photo")))))
    assert not parsed.bozo
    assert parsed.entries[0].title


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(captions(), captions())
def test_any_text_comes_through(caption: str, author: str) -> None:
    read_back(caption, author)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(captions(), min_size=20, max_size=20))
def test_one_hostile_post_breaks_no_other(drawn: list[str]) -> None:
    entries = [entry(f"tag:instagram.com,2010:{n}", caption=text) for n, text in enumerate(drawn)]
    for form in (rss, atom):
        read = feedparser.parse(form.render(page(*entries)))
        assert not read.bozo
        assert [item.id for item in read.entries] == [one.guid for one in entries]


def test_a_megabyte_is_a_caption_too() -> None:
    huge = page(entry(caption="<&]]>\n \n" * 125_000))
    root = ET.fromstring(rss.render(huge))
    assert len(root.findtext(f"channel/item/{CONTENT}") or "") > 1_000_000
    assert len(root.findtext("channel/item/description") or "") < 5_000


def test_times_of_another_zone_are_the_same_moments() -> None:
    tokyo = timezone(timedelta(hours=9))
    there = page(entry(published=NOW.astimezone(tokyo)), updated=NOW.astimezone(tokyo))
    for form in (rss, atom):
        read = feedparser.parse(form.render(there))
        assert moment(read.feed.updated_parsed) == NOW
        assert moment(read.entries[0].published_parsed) == NOW
