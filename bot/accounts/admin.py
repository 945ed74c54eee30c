"""/admin, for owners and admins: people, credits, health, stuck imports, the audit log."""

from __future__ import annotations

from bot.cards import Button, Card, button, clock_time, count, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.people import People
from services.errors import BadInput, NotAllowed
from services.importing.service import Importing, View
from services.web.health import Health
from storage import audit
from storage.audit import Entry
from storage.people import User

FLOW = "grant"
AMOUNTS = (50, 100, 500)
PAGE = 10
BACK = (button("‹ Admin", "adm", "show"),)


class Admin:
    def __init__(self, people: People, importing: Importing, health: Health) -> None:
        self._people = people
        self._importing = importing
        self._health = health

    def register(self, router: Router) -> None:
        router.command("admin", self.open)
        router.area("adm", self.tapped)
        router.flow(FLOW, self.receive_amount)

    async def open(self, chat: Chat) -> None:
        _leaders_only(chat)
        await chat.show(
            Card(
                "<b>Administration</b>",
                (
                    (button("👥 People", "adm", "people"), button("✉️ Invite", "adm", "invite")),
                    (
                        button("🩺 Health", "adm", "health"),
                        button("🧷 Stuck imports", "adm", "stuck"),
                    ),
                    (button("📜 Audit log", "adm", "audit"), button("‹ Menu", "menu", "home")),
                ),
            )
        )

    async def tapped(self, chat: Chat) -> None:
        _leaders_only(chat)
        assert chat.tap is not None
        match chat.tap.verb:
            case "show":
                await chat.end_flow()
                await self.open(chat)
            case "people":
                await self._list(chat)
            case "person":
                await self._person(chat, chat.tap.id)
            case "block" | "let_in":
                status = "blocked" if chat.tap.verb == "block" else "active"
                await self._people.set_status(chat.user, chat.tap.id, status)  # type: ignore[arg-type]
                await self._person(chat, chat.tap.id)
            case "grant":
                user_id, _, amount = chat.tap.ref.partition("-")
                if amount.isdigit() and user_id.isdigit():
                    await self._grant(chat, int(user_id), int(amount))
            case "grant_ask":
                await chat.ask(FLOW, user_id=chat.tap.id)
                await chat.show(Card("How many credits? Send a number.", (BACK,)))
            case "invite":
                await self._invite(chat)
            case "health":
                await chat.show(await self._health_card(chat))
            case "stuck":
                await chat.show(stuck_card(await self._importing.stuck(chat.user), chat))
            case "retry" | "refund":
                await self._unstick(chat)
            case "audit":
                await self._audit(chat, chat.tap.id)

    # ------------------------------------------------------------ people

    async def _list(self, chat: Chat) -> None:
        everyone = await self._people.everyone()
        rows = [
            (button(f"{_sign(user)} {user.name[:24]} · {user.credits}", "adm", "person", user.id),)
            for user in everyone[:30]
        ]
        await chat.show(
            Card(
                f"<b>{count(len(everyone), 'person', 'people')}</b>",
                (*rows, (button("✉️ Invite", "adm", "invite"), *BACK)),
            )
        )

    async def _person(self, chat: Chat, user_id: int) -> None:
        user = next((one for one in await self._people.everyone() if one.id == user_id), None)
        if user is None:
            raise NotAllowed
        grants = tuple(
            button(f"+{amount}", "adm", "grant", f"{user.id}-{amount}") for amount in AMOUNTS
        )
        rows: list[tuple[Button, ...]] = [
            (*grants, button("+ other…", "adm", "grant_ask", user.id))
        ]
        if user.role != "owner" and user.id != chat.user.id:
            blocked = user.status == "blocked"
            verb = ("Let in again", "let_in") if blocked else ("⛔ Block", "block")
            rows.append((button(verb[0], "adm", verb[1], user.id),))
        rows.append((button("‹ People", "adm", "people"),))
        name = f" · @{esc(user.username)}" if user.username else ""
        await chat.show(
            Card(
                f"{_sign(user)} <b>{esc(user.name, 60)}</b>{name}\n{user.role}, {user.status} · "
                f"{count(user.credits, 'credit')}\nid <code>{user.id}</code>",
                tuple(rows),
            )
        )

    async def _grant(self, chat: Chat, user_id: int, amount: int) -> None:
        user = await self._people.grant(chat.user, user_id, amount)
        await chat.toast(f"{user.name} has {user.credits:,} credits now")
        await self._person(chat, user_id)

    async def receive_amount(self, chat: Chat) -> None:
        _leaders_only(chat)
        assert chat.flow is not None
        number = chat.text.replace(",", "").replace(".", "")
        if not (number.isascii() and number.isdigit() and len(number) < 9):
            raise BadInput("That is not a number of credits.", "Send a number such as 250.")
        await self._people.grant(chat.user, int(chat.flow.data["user_id"]), int(number))
        await chat.end_flow()
        await self._person(chat, int(chat.flow.data["user_id"]))

    async def _invite(self, chat: Chat) -> None:
        code, expires_at = await self._people.invite(chat.user)
        link = f"https://t.me/{chat.bot.username}?start={code}"
        until = clock_time(expires_at, chat.user.zone, chat.at)
        await chat.show(
            Card(
                "Send this link to one person. It works once, until "
                f"<b>{until}</b>:\n<code>{esc(link)}</code>",
                ((Button("📋 Copy link", copy=link),), BACK),
            )
        )

    # ------------------------------------------------------------ health, stuck imports, audit

    async def _health_card(self, chat: Chat) -> Card:
        report = await self._health.report()
        lines = [f"{'🟢' if check.good else '🔴'} {esc(check.text, 200)}" for check in report]
        return Card(
            "<b>Health</b>\n" + "\n".join(lines), ((button("Refresh", "adm", "health"), *BACK),)
        )

    async def _unstick(self, chat: Chat) -> None:
        assert chat.tap is not None
        if chat.tap.verb == "retry":
            moved = await self._importing.unstick(chat.user, chat.tap.id)
        else:
            moved = await self._importing.give_back(chat.user, chat.tap.id)
        await chat.toast("Done." if moved else "Already done.")
        await chat.show(stuck_card(await self._importing.stuck(chat.user), chat))

    async def _audit(self, chat: Chat, page: int) -> None:
        async with chat.database.read() as db:
            entries = await audit.page(db, PAGE + 1, page * PAGE)
        await chat.show(audit_card(entries, page, chat))


def _leaders_only(chat: Chat) -> None:
    if not chat.user.leads:
        raise NotAllowed("Only the owners of this bot can do that.")


def _sign(user: User) -> str:
    if user.status == "blocked":
        return "⛔"
    return {"owner": "👑", "admin": "⭐", "member": "👤"}[user.role]


def stuck_card(views: list[View], chat: Chat) -> Card:
    if not views:
        return Card("No import is stuck. 🎉", (BACK,))
    lines = [
        f"<b>{esc(view.item.title, 40)}</b> of {esc(view.account, 40)}: {view.item.state}"
        f"{' (' + esc(view.item.reason) + ')' if view.item.reason else ''} since "
        f"{clock_time(view.item.changed_at, chat.user.zone, chat.at)}"
        for view in views
    ]
    rows = [
        (
            button(f"🔁 Retry {view.item.title[:16]}", "adm", "retry", view.item.id),
            button("↩️ Stop and refund", "adm", "refund", view.item.id),
        )
        for view in views
    ]
    return Card("<b>Stuck imports</b>\n" + "\n".join(lines), (*rows, BACK))


def audit_card(entries: list[Entry], page: int, chat: Chat) -> Card:
    lines = [
        f"{clock_time(entry.at, chat.user.zone, chat.at)} · {entry.actor_id or 'Reelay'} "
        f"{esc(entry.action)} {esc(entry.subject, 60)}"
        for entry in entries[:PAGE]
    ]
    turn = []
    if page:
        turn.append(button("‹ Newer", "adm", "audit", page - 1))
    if len(entries) > PAGE:
        turn.append(button("Older ›", "adm", "audit", page + 1))
    return Card(
        "<b>Audit log</b>\n" + ("\n".join(lines) or "Nothing yet."),
        (*((tuple(turn),) if turn else ()), BACK),
    )
