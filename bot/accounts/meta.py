"""Log-ins at Meta in the chat: a link to Meta's page or a pasted token goes in, and out again.

The page at which the link comes back is services/web/meta.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from bot.cards import Button, Card, button, day, esc
from bot.chat import Chat
from bot.router import TOKEN, Handler, Router
from services.accounts.meta import MetaLogins
from services.errors import AppMissing, NotAllowed, ReelayError
from services.graph.access import STORY_SCOPES
from services.graph.account import Quota
from services.graph.wire import Flavour
from storage.meta_accounts import MetaAccount

FLOW = "meta_token"
MENU = button("Menu", "menu", "home")
SHOWN = 5  # accounts of one log-in
FLAVOURS = {Flavour.INSTAGRAM: "Instagram", Flavour.FACEBOOK: "Facebook"}
# Meta's word -> what it is called in Instagram's settings
TYPES = {"BUSINESS": "Business", "MEDIA_CREATOR": "Creator", "CREATOR": "Creator"}

# what a person would call the permissions, without those that both log-ins can't do without
MAY = {
    "instagram_content_publish": "publish",
    "instagram_business_content_publish": "publish",
    "instagram_manage_insights": "read insights",
    "instagram_business_manage_insights": "read insights",
}

Connected = Callable[[int], Awaitable[object]]
"""Told of a person who has just connected, or forgotten, an account."""


class MetaScreen:
    def __init__(self, logins: MetaLogins, connected: Connected) -> None:
        self._logins = logins
        self._connected = connected

    def register(self, router: Router) -> None:
        router.area("meta", self.tapped)
        router.flow(FLOW, self.receive)
        router.token(self.receive)

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        handler = self._verbs().get(chat.tap.verb)
        if handler is None:
            raise NotAllowed("That button is from another version.", "Open /connect.")
        await handler(chat)

    def _verbs(self) -> dict[str, Handler]:
        return {
            "show": self._show,
            "link": self._link,
            "paste": self._paste,
            "one": self._one,
            "forget": self._forget,
            "forget_yes": self._forget_yes,
        }

    async def _show(self, chat: Chat) -> None:
        await chat.end_flow()
        await chat.show(overview(await self._logins.of_user(chat.user.id), chat.user.zone))

    async def _link(self, chat: Chat) -> None:
        assert chat.tap is not None
        if chat.tap.ref not in list(Flavour):
            raise NotAllowed
        flavour = Flavour(chat.tap.ref)
        try:
            address = await self._logins.link(chat.user.id, flavour)
        except AppMissing as missing:
            await chat.show(no_app(missing))
            return
        await chat.show(follow(flavour, address))

    async def _paste(self, chat: Chat) -> None:
        await chat.ask(FLOW)
        await chat.show(ASK_TOKEN)

    async def receive(self, chat: Chat) -> None:
        """A token, which leaves the chat whatever it is good for."""
        gone = await chat.delete_theirs()
        await chat.end_flow()
        try:
            found = TOKEN.search(chat.text)
            accounts = await self._logins.paste(chat.user.id, found[0] if found else chat.text)
        except ReelayError as error:
            await chat.say(refused(error, gone))
            return
        await self._connected(chat.user.id)
        await chat.say(connected(accounts, chat.user.zone, gone))

    async def _one(self, chat: Chat) -> None:
        account = await self._mine(chat)
        quota = None
        with contextlib.suppress(ReelayError):  # without it the card is still true
            quota = await (await self._logins.open(account.id)).quota()
        await chat.show(one(account, chat.user.zone, quota))

    async def _forget(self, chat: Chat) -> None:
        await chat.show(sure(await self._mine(chat)))

    async def _forget_yes(self, chat: Chat) -> None:
        assert chat.tap is not None
        account = await self._logins.forget(chat.user.id, chat.tap.id)
        await chat.toast("Forgotten")
        await chat.show(forgotten(account))

    async def _mine(self, chat: Chat) -> MetaAccount:
        """Errors: NotAllowed."""
        assert chat.tap is not None
        for account in await self._logins.of_user(chat.user.id):
            if account.id == chat.tap.id:
                return account
        raise NotAllowed("That account is not connected any more.", "Open /connect.")


# ---------------------------------------------------------------- cards


WAYS: tuple[tuple[Button, ...], ...] = (
    (
        button("Log in by Instagram", "meta", "link", Flavour.INSTAGRAM.value),
        button("Log in by Facebook", "meta", "link", Flavour.FACEBOOK.value),
    ),
    (button("🔑 Paste a token", "meta", "paste"), button("Cancel", "meta", "show")),
)

ASK_TOKEN = Card(
    "🔑 <b>Paste a token</b> of Meta's App Dashboard: it begins with IG or EA.\n"
    "🔒 It is kept encrypted on this server, and your message is deleted from this chat as soon as "
    "I have read it.",
    ((button("Cancel", "meta", "show"),),),
)


def overview(accounts: list[MetaAccount], zone: str) -> Card:
    lines = [line(account, zone) for account in accounts]
    rows = tuple(
        (button(f"@{account.username[:28]}", "meta", "one", account.id),) for account in accounts
    )
    text = (
        "<b>Meta</b>: publishes stories and reads insights.\n"
        + ("\n\n".join(lines) if lines else "No account is connected.")
        + "\n\nIt needs a professional account at Instagram; stories go out by themselves only "
        "from a <b>Business</b> account. Log in by Facebook if it is linked to a Facebook Page, by "
        "Instagram if not."
    )
    back = (button("‹ Accounts", "con", "list"), MENU)
    return Card(text, (*rows, *WAYS[:1], (WAYS[1][0],), back))


def line(account: MetaAccount, zone: str) -> str:
    """Whose, by which way, of what type, until when, and what it may not do."""
    kind = TYPES.get(account.account_type, "type not told by Meta")
    parts = [f"<b>@{esc(account.username, 40)}</b> · {FLAVOURS[Flavour(account.flavour)]} · {kind}"]
    if account.problem:
        parts.append(f"⚠️ {esc(account.problem, 200)} Connect it again.")
    else:
        parts.append(f"✅ {_until(account, zone)}")
    parts += _may(account)
    return "\n".join(parts)


def _until(account: MetaAccount, zone: str) -> str:
    ends = min((at for at in (account.expires_at, account.data_ends_at) if at), default=None)
    if ends is None:
        return "no end" if account.unlimited else "renewed by itself"
    return f"until {day(ends, zone)}, renewed by itself"


def _may(account: MetaAccount) -> list[str]:
    told = []
    if account.account_type in ("MEDIA_CREATOR", "CREATOR"):
        told.append(
            "✋ Meta lets only Business accounts publish stories by the API. For this Creator "
            "account I hand you each story with the steps; or switch to Business in Instagram's "
            "settings and connect again."
        )
    wanted = STORY_SCOPES[Flavour(account.flavour)]
    missing = [scope for scope in wanted if account.scopes and scope not in account.scopes]
    if missing:
        told.append(f"⚠️ Permissions that are missing: {esc(', '.join(missing), 200)}")
    elif account.scopes:
        may = dict.fromkeys(MAY[one] for one in account.scopes if one in MAY)
        told += [f"It may {' and '.join(may)}."] if may else []
    return told


def follow(flavour: Flavour, address: str) -> Card:
    where = FLAVOURS[flavour]
    return Card(
        f"Log in at {where} and leave every box ticked. The link is good for one time and 15 "
        "minutes. You come back to a page of this bot, which says whether it worked; if so, it is "
        "said here too.",
        ((Button(f"Log in at {where}", url=address),), (button("Cancel", "meta", "show"),)),
    )


def no_app(error: AppMissing) -> Card:
    return Card(
        f"<b>{esc(error.message, 300)}</b> Nothing was changed.\n{esc(error.next_step, 300)}",
        ((button("🔑 Paste a token", "meta", "paste"), button("‹ Meta", "meta", "show")),),
    )


def connected(accounts: list[MetaAccount], zone: str, gone: bool | None = None) -> Card:
    """`gone`: whether the message with the token is; None where there was none."""
    told = "\n\n".join(line(account, zone) for account in accounts[:SHOWN])
    deleted = f"\n\n<i>{_deleted(gone)}</i>" if gone is not None else ""
    return Card(
        f"✅ <b>Connected at Meta</b>\n{told}\n\nReading the figures begins now.{deleted}",
        (
            (button("📸 New story", "item", "new"), button("📅 Schedule", "plan", "show")),
            (button("📈 Insights", "ins", "open"),),
            (button("‹ Meta", "meta", "show"), MENU),
        ),
    )


def refused(error: ReelayError, gone: bool) -> Card:
    return Card(
        f"❌ <b>{esc(error.message, 400)}</b>\n{esc(error.next_step, 400)}\n\n"
        f"Nothing was stored. <i>{_deleted(gone)}</i>",
        ((button("🔑 Paste another", "meta", "paste"), button("‹ Meta", "meta", "show")),),
    )


def one(account: MetaAccount, zone: str, quota: Quota | None = None) -> Card:
    used = ""
    if quota is not None:
        most = f" of {quota.total}" if quota.total else ""
        used = f"\nPosts by the API within 24 hours: {quota.used}{most}"
    return Card(
        line(account, zone) + used,
        (
            (button("🗑 Forget…", "meta", "forget", account.id),),
            (button("‹ Meta", "meta", "show"), MENU),
        ),
    )


def sure(account: MetaAccount) -> Card:
    return Card(
        f"Forget <b>@{esc(account.username, 40)}</b> at Meta? Its tokens are deleted at once. The "
        "library, the schedule and the history stay; stories are handed to you by hand.",
        (
            (
                button("Forget it", "meta", "forget_yes", account.id),
                button("Keep", "meta", "one", account.id),
            ),
        ),
    )


def forgotten(account: MetaAccount) -> Card:
    return Card(
        f"Forgotten: <b>@{esc(account.username, 40)}</b> at Meta. Its tokens are deleted.",
        ((button("‹ Meta", "meta", "show"), MENU),),
    )


def _deleted(gone: bool) -> str:
    if gone:
        return "Your message was deleted from this chat."
    return "I could not delete your message: please delete it yourself."
