"""What a feed says of itself when its source is ill: one dated item for each incident.

The polls open and close them (storage.feed_notices), services.feed.pages lists them. A closed one
stays for a while and says that it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from services.feed.render.entries import Entry
from storage.feed_notices import Notice
from storage.feeds import Feed

_SPACE = UUID("5b0a7a9e-6a1d-4f0e-9a55-0f4f1d0c6f5e")  # any, but the same for ever


@dataclass(frozen=True, slots=True)
class Text:
    """`over`: the title when it is over."""

    title: str
    body: str
    over: str


_KEPT = "Everything that was archived before stays here."

TEXTS: dict[str, Text] = {
    "session_dead": Text(
        "Instagram asks to log in again: new posts are missing",
        f"The session of this account has ended. {_KEPT} To repair it, open the chat with the bot "
        "and send /connect.",
        "Logged in again: new posts arrive",
    ),
    "checkpoint": Text(
        "Instagram wants to see the account's owner: new posts are missing",
        f"Open Instagram, do what it asks, then press the button in the chat: /feed. {_KEPT}",
        "Confirmed: new posts arrive again",
    ),
    "frozen": Text(
        "Instagram asks to slow down: new posts come later",
        f"Nothing has to be done: the feed goes on by itself after a pause. {_KEPT}",
        "The pause is over: new posts arrive again",
    ),
    "stale": Text(
        "No good look at Instagram for an hour: new posts may be missing",
        f"The feed keeps trying. What is wrong is said in the chat: /feed. {_KEPT}",
        "Instagram was read again",
    ),
    "gap": Text(
        "There may be a gap: more posts had come than could be fetched",
        f"After a long pause only the newest pages of the timeline are read. {_KEPT}",
        "The gap is behind",
    ),
}


def feed_uuid(feed: Feed) -> UUID:
    """The same for ever, wherever the feed is served, and no other installation's."""
    return uuid5(_SPACE, f"{feed.id} {feed.user_id} {feed.created_at.isoformat()}")


def guid_of(feed: Feed, incident_id: int) -> str:
    """Of the one item that tells of this incident in this feed."""
    return uuid5(feed_uuid(feed), f"incident {incident_id}").urn


def entry_of(notice: Notice, address: str) -> Entry:
    """`address`: the feed's page for people. A kind that is not known here is told in general."""
    text = TEXTS.get(notice.kind, TEXTS["stale"])
    whose = f"{notice.whose}: " if notice.whose else ""
    return Entry(
        guid=notice.guid,
        title=f"✅ {whose}{text.over}" if notice.closed_at else f"⚠️ {whose}{text.title}",
        author="Reelay",
        caption=f"Over. It was: {whose}{text.title}." if notice.closed_at else text.body,
        link=address,
        published=notice.opened_at,
        updated=notice.closed_at or notice.opened_at,
        notice=True,
    )
