"""The text of every notice: a pure function of its kind, its data and the rows it names.

Used by bot/outbox.py. Which kinds may be silent is said here, in one table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.accounts import login as login_cards
from bot.accounts import privacy as privacy_cards
from bot.cards import Card, button, count, day, esc
from bot.importing import cards as importing_cards
from bot.importing import export as export_cards
from services.accounts.connecting import Connecting
from services.clock import Now
from services.errors import NotAllowed
from services.importing.decisions import Reason
from services.importing.library import Library
from services.importing.service import Importing
from storage.connections import Connection
from storage.importing import Import
from storage.notices import Notice
from storage.people import User

MENU = (button("Menu", "menu", "home"),)

# notice kind -> the preference that silences it; what needs a person is not in here
SILENCED_BY = {
    "import_ended": "import_done",
    "analysis_ended": "analyses",
    "sync_ended": "insights",
    "insights_digest": "insights",
    "cookies_expiring": "expiry",
    "meta_expiring": "expiry",
    "story_published": "stories",
    "story_waits": "stories",
    "story_runway": "stories",
    "alert": "alerts",
    "alert_over": "alerts",
    "feed_well": "alerts",
    "reader_too_often": "alerts",
}

NEVER_RINGS = {"refreshed"}

ALERTS = {
    "import_failing": "more than a fifth of an import's posts fail",
    "sessions_refused": "Instagram refused more than 10 sessions within an hour",
    "rate_limits": "more than 5 rate limits within a minute",
    "gallery_dl": "gallery-dl fails in more than half of its calls",
    "loop": "a background loop has stopped",
    "disk": "the disk is almost full",
    "storage": "an import can't store its files",
    "feed_stale": "nobody reads a feed: its time came an hour ago",
    "sync_stale": "an account's figures have not been read for two days",
}


# what is wrong with a feed -> what happened, and the next step
FEED_ILL = {
    "session_dead": (
        "Instagram has logged the account out.",
        "Send new cookies, and it goes on by itself.",
    ),
    "checkpoint": (
        "Instagram wants to check that it is you.",
        "Open Instagram, confirm there, then press the button.",
    ),
    "frozen": (
        "Instagram asks to slow down.",
        "Nothing to do: it goes on by itself after the pause.",
    ),
    "stale": (
        "Instagram could not be read for an hour.",
        "I keep trying, and tell you when it works again.",
    ),
}

# the same with a better name, as the error is called
FEED_BECAUSE = {
    "ConsentWanted": (
        "Instagram wants you to agree to its terms first.",
        "Open Instagram, agree there, then press the button.",
    ),
    "Suspended": (
        "Instagram has suspended the account.",
        "Appeal in the Instagram app; when it is back, press the button.",
    ),
    "Unavailable": (
        "Instagram could not be reached for an hour.",
        "I keep trying, and tell you when it works again.",
    ),
    "UpstreamChanged": (
        "For an hour Instagram has answered in a shape that this version does not know.",
        "Upgrade Reelay; until then I keep trying, and tell you when it works again.",
    ),
    "StorageFailed": (
        "For an hour nothing could be written to Reelay's storage.",
        "Free disk space or check the database; then it goes on by itself.",
    ),
    "NoProgress": (
        "Three tries in a row were cut short before anything was read.",
        "I try again within an hour, and tell you when it works again. If it stays, tell whoever "
        "runs this bot.",
    ),
}


def feed_ill(incident: str, cause: str) -> tuple[str, str]:
    """(what happened, the next step). `cause`: the name of the newest error, "" for none."""
    if incident in ("stale", "checkpoint") and cause in FEED_BECAUSE:
        return FEED_BECAUSE[cause]
    return FEED_ILL.get(incident, FEED_ILL["stale"])


# why a webhook did not arrive
WEBHOOK_FAILED = {
    "timeout": "no answer within 10 seconds",
    "network": "the host could not be reached",
    "tls": "its certificate is not valid",
    "private": "it leads into a private network",
    "key": "the key that its address was sealed with is gone; set it again",
}


def webhook_failed(error: str) -> str:
    """A reason of services.web.webhooks in words; http_<status> by its number."""
    return WEBHOOK_FAILED.get(error) or f"it answered {esc(error.removeprefix('http_'), 20)}"


@dataclass(frozen=True, slots=True)
class Message:
    """A card, and the files that go with it (object keys).

    `picture`: a photo above the card, by its object key or as it is. With `import_id` it takes the
    place of that import's card in the chat, with `replaces` that of a message. `sent` is told its
    own number.
    """

    card: Card
    files: tuple[str, ...] = ()
    import_id: int | None = None
    picture: str | bytes | None = None
    replaces: int | None = None
    sent: Callable[[int], Awaitable[None] | None] | None = None


Text = Callable[[User, Notice], Awaitable[Message]]
"""Errors: NotAllowed if there is nothing left to say, NotReady."""


class NotReady(Exception):
    """What it tells of is just being looked at: in a second."""


class Notices:
    """`others`: texts of capabilities that bring their own, by the kind of notice."""

    def __init__(
        self,
        importing: Importing,
        library: Library,
        connecting: Connecting,
        now: Now,
        others: Mapping[str, Text],
    ) -> None:
        self._importing = importing
        self._library = library
        self._connecting = connecting
        self._now = now
        self._texts: dict[str, Text] = {
            **others,
            "connected": self._connected,
            "connect_failed": self._connect_failed,
            "connected_app": self._connected_app,
            "login_code": self._login_code,
            "login_held": self._login_held,
            "login_failed": self._login_failed,
            "cookies_expiring": self._cookies_expiring,
            "import_paused": self._import_paused,
            "import_ended": self._import_ended,
            "refreshed": self._import_ended,
            "joined": self._joined,
            "granted": self._granted,
            "export_ready": self._export_ready,
            "export_failed": self._export_failed,
            "feed_ill": self._feed_ill,
            "feed_well": self._feed_well,
            "reader_too_often": self._reader_too_often,
            "webhook_failed": self._webhook_failed,
            "library_export_ready": self._library_export_ready,
            "library_export_failed": self._library_export_failed,
            "alert": self._alert,
            "alert_over": self._alert_over,
        }

    async def message(self, user: User, notice: Notice) -> Message | None:
        """None: what it tells of is gone, so there is nothing left to say. Errors: NotReady."""
        try:
            return await self._texts[notice.kind](user, notice)
        except NotAllowed:
            return None

    # ------------------------------------------------------------ Instagram accounts

    async def _connected(self, user: User, notice: Notice) -> Message:
        account = await self._account(user, notice)
        ends = (
            f" · expires about {day(account.expires_at, user.zone)}" if account.expires_at else ""
        )
        # they may run again before this is read
        waited = any(
            view.item.connection_id == account.id and _waits_for_session(view.item)
            for view in await self._importing.latest(user.id)
        )
        return Message(
            Card(
                f"✅ Connected as <b>{esc(account.label)}</b>{ends} · fingerprint "
                f"<code>{esc(account.fingerprint)}</code>"
                + ("\nImports that waited for this go on by themselves." if waited else ""),
                (
                    (button("📥 Import a collection", "imp", "ask"),),
                    (button("📰 Feed", "feed", "show"), *MENU),
                ),
            )
        )

    async def _connect_failed(self, user: User, notice: Notice) -> Message:
        return Message(
            Card(
                f"❌ <b>Not connected.</b> {esc(notice.data['message'], 400)}\n"
                f"{esc(notice.data['next_step'], 400)}\nThe cookies you sent were not kept.",
                ((button("🍪 Send other cookies", "con", "begin"), *MENU),),
            )
        )

    async def _connected_app(self, user: User, notice: Notice) -> Message:
        account = await self._account(user, notice)
        return Message(login_cards.app_only(account.label, notice.data))

    async def _login_code(self, user: User, notice: Notice) -> Message:
        return Message(login_cards.code_wanted(notice.data))

    async def _login_held(self, user: User, notice: Notice) -> Message:
        return Message(login_cards.held(notice.data))

    async def _login_failed(self, user: User, notice: Notice) -> Message:
        return Message(login_cards.failed(notice.data))

    async def _cookies_expiring(self, user: User, notice: Notice) -> Message:
        account = await self._account(user, notice)
        left = count(int(notice.data["days"]), "day")
        return Message(
            Card(
                f"⏰ The session of <b>{esc(account.label)}</b> ends within {left}. Send new "
                "cookies before that, and nothing stops.",
                ((button("🍪 Send new cookies", "con", "begin"), *MENU),),
            )
        )

    async def _account(self, user: User, notice: Notice) -> Connection:
        accounts = await self._connecting.of_user(user.id)
        for account in accounts:
            if account.id == notice.data["connection_id"]:
                return account
        raise NotAllowed

    # ------------------------------------------------------------ imports

    async def _import_paused(self, user: User, notice: Notice) -> Message:
        view = await self._importing.view(user.id, int(notice.data["import_id"]))
        return Message(importing_cards.card(view, user, self._now(), 0), import_id=view.item.id)

    async def _import_ended(self, user: User, notice: Notice) -> Message:
        view = await self._importing.view(user.id, int(notice.data["import_id"]))
        return Message(importing_cards.card(view, user, self._now(), 0), import_id=view.item.id)

    # ------------------------------------------------------------ the feed

    async def _feed_ill(self, user: User, notice: Notice) -> Message:
        account = await self._account(user, notice)
        incident = str(notice.data["incident"])
        what, next_step = feed_ill(incident, str(notice.data.get("cause", "")))
        keys = {
            "session_dead": ((button("🍪 Send new cookies", "con", "begin"),),),
            "checkpoint": ((button("✅ I confirmed", "feed", "confirmed", account.id),),),
        }.get(incident, ())
        return Message(
            Card(
                f"📰 <b>The feed of {esc(account.label)} stands still.</b> {what}\n"
                f"What was archived stays, and is served. {next_step}",
                (*keys, (button("📰 Feed", "feed", "show"), *MENU)),
            )
        )

    async def _feed_well(self, user: User, notice: Notice) -> Message:
        account = await self._account(user, notice)
        return Message(Card(f"✅ The feed of <b>{esc(account.label)}</b> is read again.", (MENU,)))

    async def _reader_too_often(self, user: User, notice: Notice) -> Message:
        return Message(
            Card(
                f"🐌 <b>{esc(notice.data['name'], 60)}</b> asks for your feed too often and is "
                "slowed down (429 with Retry-After). It loses no post. Every ten minutes is "
                "enough: look for its interval in its settings.",
                ((button("👥 Reader", "feed", "reader", notice.data["reader_id"]), *MENU),),
            )
        )

    async def _webhook_failed(self, user: User, notice: Notice) -> Message:
        return Message(
            Card(
                f"🪝 <b>A post could not be sent to {esc(notice.data['host'], 80)}</b>: "
                f"{webhook_failed(str(notice.data['error']))}. It stays in your feed; later posts "
                "are still tried, and I say no more until one arrives.",
                ((button("🪝 Webhook", "feed", "hook", notice.data["feed_id"]), *MENU),),
            )
        )

    # ------------------------------------------------------------ people

    async def _joined(self, user: User, notice: Notice) -> Message:
        name = esc(notice.data["name"], 60)
        return Message(Card(f"👋 {name} has joined with your invitation.", (MENU,)))

    async def _granted(self, user: User, notice: Notice) -> Message:
        amount = count(int(notice.data["amount"]), "credit")
        return Message(Card(f"🎁 You were given {amount}. You have {user.credits:,} now.", (MENU,)))

    async def _export_ready(self, user: User, notice: Notice) -> Message:
        keys = [str(key) for key in notice.data["object_keys"]]
        links = {
            key: await self._library.link(user.id, key, PurePosixPath(key).name)
            for key in notice.data.get("large", ())
        }
        card = privacy_cards.export_ready(len(keys), links)
        return Message(card, tuple(key for key in keys if key not in links))

    async def _export_failed(self, user: User, notice: Notice) -> Message:
        return Message(
            Card(
                "❌ Your export could not be built. Nothing was lost; try again, and if it stays "
                "tell whoever runs this bot.",
                ((button("Try again", "pri", "export"), *MENU),),
            )
        )

    # ------------------------------------------------------------ the library

    async def _library_export_ready(self, user: User, notice: Notice) -> Message:
        """Links are made only now: the database keeps none that opens anything."""
        data = notice.data
        links = [
            (str(name), await self._library.link(user.id, str(key), str(name)))
            for key, name in data["large"]
        ]
        card = export_cards.ready(data["form"], data["count"], data["left_out"], links)
        return Message(card, tuple(data["object_keys"]))

    async def _library_export_failed(self, user: User, notice: Notice) -> Message:
        return Message(export_cards.failed())

    # ------------------------------------------------------------ alerts

    async def _alert(self, user: User, notice: Notice) -> Message:
        kind, subject = str(notice.data["alert"]), str(notice.data["subject"])
        about = f" ({esc(subject, 60)})" if subject else ""
        return Message(
            Card(
                f"🚨 <b>Alert</b>: {ALERTS.get(kind, esc(kind))}{about}.\nI tell you when it is "
                "over.",
                ((button("Health", "adm", "health"),),),
            )
        )

    async def _alert_over(self, user: User, notice: Notice) -> Message:
        kind, subject = str(notice.data["alert"]), str(notice.data["subject"])
        about = f" ({esc(subject, 60)})" if subject else ""
        return Message(Card(f"✅ Over: {ALERTS.get(kind, esc(kind))}{about}."))


def _waits_for_session(item: Import) -> bool:
    """Or has just stopped waiting."""
    paused = item.state == "paused" and item.reason in (Reason.COOKIES, Reason.CHECKPOINT)
    return paused or item.state == "running"


EXPIRED = Message(
    Card(
        "📦 Your export waited here for more than a day, so its files are deleted by now. Your "
        "library and your data are as they were: ask for it again.",
        ((button("🎧 Library", "lib", "show"), *MENU),),
    )
)
"""In place of an export whose files are gone."""

DELETED = Message(
    Card("Everything of yours has been deleted. Thank you for having been here. Goodbye 👋")
)
"""The receipt: it goes to somebody who is no user any more."""
