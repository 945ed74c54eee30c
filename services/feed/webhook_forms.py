"""What a webhook sends: one post as the JSON of Reelay, Discord or Slack. Pure functions.

Called by services/web/webhooks. No address of a picture is in it: that would hold a reader's token,
and open the whole feed to everybody in the channel. Limits: docs.discord.com/developers (embeds),
docs.slack.dev (text objects of blocks).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.feed.render.entries import Entry
from services.feed.render.text import clean, excerpt

DISCORD_TITLE, DISCORD_TEXT, DISCORD_NAME = 256, 2000, 200
SLACK_TEXT = 500  # of 3000: "&" becomes five characters
DISCORD_HOSTS = ("discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com")
SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")


@dataclass(frozen=True, slots=True)
class Announcement:
    """`event`: post or test. `feed`: its title. `entry.media` has addresses relative to any
    reader's own."""

    event: str
    feed: str
    entry: Entry


def form_of(host: str, path: str) -> str:
    """Which form an address wants: a key of FORMS."""
    if host in DISCORD_HOSTS and path.startswith("/api/"):
        return "discord"
    return "slack" if host in SLACK_HOSTS else "json"


def body_of(form: str, told: Announcement) -> bytes:
    """`form`: a key of FORMS."""
    return json.dumps(FORMS[form](told), ensure_ascii=True, separators=(",", ":")).encode()


def signature(key: str, at: datetime, body: bytes) -> str:
    """HMAC-SHA256, in hex, of "<unix seconds>.<body>". The time is in it, so that an old message
    can't be sent again by somebody who has overheard it."""
    signed = f"{int(at.timestamp())}.".encode() + body
    return hmac.new(key.encode(), signed, sha256).hexdigest()


def _json(told: Announcement) -> dict[str, Any]:
    entry = told.entry
    return {
        "event": told.event,
        "id": entry.guid,
        "feed": clean(told.feed),
        "title": clean(entry.title),
        "author": clean(entry.author),
        "caption": clean(entry.caption),
        "link": entry.link,
        "published": entry.published.isoformat(),
        "listed": entry.updated.isoformat(),
        "missing": entry.missing,
        "media": [
            {
                "file": media.url,
                "mime": media.mime,
                "bytes": media.bytes,
                "width": media.width,
                "height": media.height,
            }
            for media in entry.media
        ],
    }


def _discord(told: Announcement) -> dict[str, Any]:
    entry = told.entry
    name = excerpt(f"@{clean(entry.author)}", DISCORD_NAME)
    return {
        "allowed_mentions": {"parse": []},  # a caption with @everyone wakes nobody
        "embeds": [
            {
                "title": excerpt(clean(entry.title), DISCORD_TITLE),
                "url": entry.link,
                "description": excerpt(clean(entry.caption).strip(), DISCORD_TEXT),
                "timestamp": entry.published.isoformat(),
                "author": {"name": name},
                "footer": {"text": excerpt(clean(told.feed), DISCORD_NAME)},
            }
        ],
    }


def _slack(told: Announcement) -> dict[str, Any]:
    entry = told.entry
    who, title = _slack_text(f"@{clean(entry.author)}"), _slack_text(clean(entry.title))
    caption = _slack_text(excerpt(clean(entry.caption).strip(), SLACK_TEXT))
    text = f"*{who}*: <{entry.link}|{title}>\n{caption}"
    return {
        "text": f"{who}: {title}",
        "unfurl_links": False,
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}],
    }


def _slack_text(text: str) -> str:
    """Without what Slack would read as a link or as a call to everybody (`<!channel>`)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FORMS: dict[str, Callable[[Announcement], dict[str, Any]]] = {
    "json": _json,
    "discord": _discord,
    "slack": _slack,
}
