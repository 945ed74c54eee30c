"""What Discord, Slack and everybody else are sent, whatever a caption holds."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256

import pytest

from services.feed.render.entries import Entry, EntryMedia
from services.feed.webhook_forms import Announcement, body_of, form_of, signature
from tests.support.rows import NOW

HOSTILE = "<!channel> @everyone & <https://evil.example|here>\x00\ud800 " + "x" * 30_000


def told(caption: str = "Sunset", **entry: object) -> Announcement:
    made = Entry(
        guid="tag:instagram.com,2010:1",
        title=caption[:90],
        author="anna",
        caption=caption,
        link="https://www.instagram.com/p/C1/",
        published=NOW,
        updated=NOW,
        media=(EntryMedia("media/7/0.jpg", "image/jpeg", 100),),
        **entry,  # type: ignore[arg-type]
    )
    return Announcement("post", "Home of @mia", made)


@pytest.mark.parametrize(
    ("host", "path", "form"),
    [
        ("discord.com", "/api/webhooks/1/x", "discord"),
        ("discord.com", "/channels/1", "json"),
        ("discord.com.evil.example", "/api/webhooks/1/x", "json"),
        ("hooks.slack.com", "/services/T/B/x", "slack"),
        ("hooks.example", "/api/webhooks", "json"),
    ],
)
def test_the_form_is_that_of_the_host(host: str, path: str, form: str) -> None:
    assert form_of(host, path) == form


def test_json_says_what_the_feed_says_and_opens_nothing() -> None:
    assert json.loads(body_of("json", told())) == {
        "event": "post",
        "id": "tag:instagram.com,2010:1",
        "feed": "Home of @mia",
        "title": "Sunset",
        "author": "anna",
        "caption": "Sunset",
        "link": "https://www.instagram.com/p/C1/",
        "published": "2026-11-20T12:00:00+00:00",
        "listed": "2026-11-20T12:00:00+00:00",
        "missing": False,
        "media": [
            {
                "file": "media/7/0.jpg",
                "mime": "image/jpeg",
                "bytes": 100,
                "width": None,
                "height": None,
            }
        ],
    }


def test_discord_takes_any_caption_and_nobody_is_woken() -> None:
    sent = json.loads(body_of("discord", told(HOSTILE)))
    (embed,) = sent["embeds"]
    assert sent["allowed_mentions"] == {"parse": []}
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert sum(len(str(part)) for part in embed.values()) <= 6000
    assert "\ud800" not in embed["description"]


def test_slack_takes_any_caption_and_nobody_is_woken() -> None:
    for caption in (HOSTILE, "&" * 30_000):
        sent = json.loads(body_of("slack", told(caption)))
        text = sent["blocks"][0]["text"]["text"]
        assert len(text) <= 3000
        assert "<!channel>" not in json.dumps(sent)
        assert text.count("<") == 1  # our own link to the post


def test_the_signature_is_of_the_time_and_the_body() -> None:
    expected = hmac.new(b"key", f"{int(NOW.timestamp())}.".encode() + b"{}", sha256).hexdigest()
    assert signature("key", NOW, b"{}") == expected
