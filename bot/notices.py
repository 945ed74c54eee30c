"""The text of every notice: a pure function of its kind, its data and the rows it names.

Used by bot/outbox.py. Which kinds may be silent is said here, in one table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

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
    "cookies_expiring": "expiry",
    "alert": "alerts",
    "alert_over": "alerts",
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
}


@dataclass(frozen=True, slots=True)
class Message:
    """A card, and the files that go with it (object keys).

    With `import_id` it takes the place of that import's card in the chat.
    """

    card: Card
    files: tuple[str, ...] = ()
    import_id: int | None = None


class Notices:
    def __init__(
        self, importing: Importing, library: Library, connecting: Connecting, now: Now
    ) -> None:
        self._importing = importing
        self._library = library
        self._connecting = connecting
        self._now = now
        self._texts: dict[str, Callable[[User, Notice], Awaitable[Message]]] = {
            "connected": self._connected,
            "connect_failed": self._connect_failed,
            "cookies_expiring": self._cookies_expiring,
            "import_paused": self._import_paused,
            "import_ended": self._import_ended,
            "refreshed": self._import_ended,
            "joined": self._joined,
            "granted": self._granted,
            "export_ready": self._export_ready,
            "export_failed": self._export_failed,
            "library_export_ready": self._library_export_ready,
            "library_export_failed": self._library_export_failed,
            "alert": self._alert,
            "alert_over": self._alert_over,
        }

    async def message(self, user: User, notice: Notice) -> Message | None:
        """None: what it tells of is gone, so there is nothing left to say."""
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
                ((button("📥 Import a collection", "imp", "ask"), *MENU),),
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
