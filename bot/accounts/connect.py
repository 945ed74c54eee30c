"""/connect: an Instagram session goes in as a cookies file or a pasted line, and out again."""

from __future__ import annotations

from bot.cards import Card, button, day, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.connecting import Connecting
from services.errors import BadInput
from services.instagram.cookies import MAX_BYTES, read_cookies
from storage.connections import Connection

FLOW = "connect"
CANCEL = (button("How to export", "menu", "topic", "cookies"), button("Cancel", "con", "cancel"))
ASK = Card(
    "<b>Connect Instagram</b>\n\n"
    "Send your <code>cookies.txt</code> as a file, exported while you are logged in to "
    "instagram.com. A pasted line <code>sessionid=…; ds_user_id=…</code> works too.\n\n"
    "🔒 It is kept encrypted on this server, and your message is deleted from this chat as soon as "
    "I have read it.\n\nLogging in with the password works too. Cookies are recommended: your "
    "password stays with you, and Instagram sees no new log-in.\n\nTo publish stories and to "
    "read your own figures, connect the account at Meta too: a log-in of its own.",
    (
        (button("🔑 Log in with password", "log", "begin"),),
        (button("📸 Meta: stories, insights", "meta", "show"),),
        CANCEL,
    ),
)
STATUS = {
    "active": "✅ works",
    "checking": "⏳ being checked",
    "app only": "✅ reads the feed; imports need cookies",
    "expired": "⚠️ needs new cookies or a log-in",
    "blocked": "✋ Instagram wants to check that it is you",
}


class Connect:
    def __init__(self, connecting: Connecting) -> None:
        self._connecting = connecting

    def register(self, router: Router) -> None:
        router.command("connect", self.open)
        router.area("con", self.tapped)

    async def open(self, chat: Chat) -> None:
        accounts = await self._connecting.of_user(chat.user.id)
        if accounts:
            await chat.show(accounts_card(accounts, chat.user.zone))
        else:
            await self._ask(chat)

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        match chat.tap.verb:
            case "begin":
                await self._ask(chat)
            case "renew":  # from the card of an import, which must stay
                await chat.ask(FLOW)
                await chat.say(ASK)
            case "list":
                await self.open(chat)
            case "cancel":
                await chat.end_flow()
                await chat.show(
                    Card("Cancelled. Nothing was stored.", ((button("Menu", "menu", "home"),),))
                )
            case "one":
                await self._one(chat)
            case "forget":
                await self._sure(chat)
            case "forget_yes":
                gone = await self._connecting.forget(chat.user.id, chat.tap.id)
                await chat.toast("Forgotten")
                await chat.show(
                    Card(
                        f"Forgotten: <b>{esc(gone.label)}</b>. Its cookies are deleted; the posts "
                        "that you imported stay.",
                        ((button("‹ Accounts", "con", "list"), button("Menu", "menu", "home")),),
                    )
                )

    async def _ask(self, chat: Chat) -> None:
        await chat.ask(FLOW)
        await chat.show(ASK)

    async def receive(self, chat: Chat) -> None:
        """A file or a line that should be cookies. Deleted from the chat whatever it holds."""
        try:
            data = await chat.read_document(MAX_BYTES) if chat.document else chat.text.encode()
            cookies = read_cookies(data, chat.at)
        except BadInput as error:
            gone = await chat.delete_theirs()
            await chat.say(_refused(error, gone))
            return
        gone = await chat.delete_theirs()
        await chat.end_flow()
        await self._connecting.submit(chat.user.id, cookies)
        await chat.say(
            Card(f"Checking your session with Instagram…\n<i>{_deleted(gone)}</i>"), silent=True
        )

    async def _one(self, chat: Chat) -> None:
        assert chat.tap is not None
        accounts = await self._connecting.of_user(chat.user.id)
        account = next((one for one in accounts if one.id == chat.tap.id), None)
        if account is None:
            await chat.show(accounts_card(accounts, chat.user.zone))
            return
        await chat.show(
            Card(
                account_line(account, chat.user.zone),
                (
                    (
                        button("🔄 New cookies", "con", "begin"),
                        button("🔑 Log in", "log", "begin"),
                    ),
                    (button("🗑 Forget…", "con", "forget", account.id),),
                    (button("‹ Accounts", "con", "list"),),
                ),
            )
        )

    async def _sure(self, chat: Chat) -> None:
        assert chat.tap is not None
        accounts = await self._connecting.of_user(chat.user.id)
        account = next((one for one in accounts if one.id == chat.tap.id), None)
        name = esc(account.label) if account else "this account"
        await chat.show(
            Card(
                f"Forget <b>{name}</b>? Its cookies are deleted and running imports with it stop. "
                "The posts you imported stay. To come back you send the cookies again.",
                (
                    (
                        button("Forget it", "con", "forget_yes", chat.tap.ref),
                        button("Keep", "con", "list"),
                    ),
                ),
            )
        )


def accounts_card(accounts: list[Connection], zone: str) -> Card:
    lines = [account_line(account, zone) for account in accounts]
    rows = [(button(account.label[:30], "con", "one", account.id),) for account in accounts]
    rows.append((button("➕ Another account", "con", "begin"),))
    rows.append((button("📸 Meta: stories, insights", "meta", "show"),))
    rows.append((button("‹ Menu", "menu", "home"),))
    return Card("<b>Instagram accounts</b>\n\n" + "\n\n".join(lines), tuple(rows))


def account_line(account: Connection, zone: str) -> str:
    ends = f" · expires about {day(account.expires_at, zone)}" if account.expires_at else ""
    status = "app only" if account.app_only and account.status == "active" else account.status
    status = "checking" if account.candidate_fingerprint else status
    return (
        f"<b>{esc(account.label)}</b> · {STATUS[status]}\n"
        f"fingerprint <code>{esc(account.fingerprint or '…')}</code>{ends}"
    )


def _refused(error: BadInput, gone: bool) -> Card:
    return Card(
        f"<b>{esc(error.message, 400)}</b>\n{esc(error.next_step, 400)}\n\n"
        f"Nothing was stored. <i>{_deleted(gone)}</i>",
        (CANCEL,),
    )


def _deleted(gone: bool) -> str:
    if gone:
        return "Your message was deleted from this chat."
    return "I could not delete your message: please delete it yourself."
