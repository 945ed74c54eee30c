"""/admin, for owners and admins: people, credits, health, stuck imports, the audit log."""

from __future__ import annotations

import re
from datetime import datetime

from bot.cards import Button, Card, button, clock_time, count, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.people import People
from services.errors import BadInput, NotAllowed
from services.importing.service import Importing, View
from services.web.health import Health
from storage import audit
from storage.audit import Entry
from storage.people import Role, User

FLOW = "grant"
AMOUNTS = (50, 100, 500)
PAGE = 8
LAST_PAGE = 9999  # whatever a forged button says
GRANT = re.compile(r"([0-9]{1,16})-([0-9]{1,6})-([0-9]{1,12})", re.ASCII)  # user, amount, balance
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
                await self._list(chat, min(chat.tap.id, LAST_PAGE))
            case "person":
                await self._person(chat, chat.tap.id)
            case "block":
                await self._people.set_status(chat.user, chat.tap.id, "blocked")
                await self._person(chat, chat.tap.id)
            case "let_in":
                await self._people.set_status(chat.user, chat.tap.id, "active")
                await self._person(chat, chat.tap.id)
            case "grant":
                await self._grant(chat, chat.tap.ref)
            case "grant_ask":
                user = await self._one(chat.tap.id)
                await chat.ask(FLOW, person=user.id)
                cancel = button("Cancel", "adm", "person", user.id)
                await chat.show(
                    Card(
                        f"How many credits for <b>{esc(user.name, 60)}</b>? Send a number.",
                        ((cancel,),),
                    )
                )
            case "invite":
                await self._invite(chat, "member")
            case "invite_admin":
                await self._invite(chat, "admin")
            case "health":
                await chat.show(await self._health_card(chat))
            case "stuck":
                await chat.show(
                    stuck_card(await self._importing.stuck(chat.user), chat.user.zone, chat.at)
                )
            case "retry" | "refund":
                await self._unstick(chat)
            case "audit":
                await self._audit(chat, min(chat.tap.id, LAST_PAGE))

    # ------------------------------------------------------------ people

    async def _list(self, chat: Chat, page: int) -> None:
        await chat.show(people_card(await self._people.everyone(), page))

    async def _one(self, user_id: int) -> User:
        for user in await self._people.everyone():
            if user.id == user_id:
                return user
        raise NotAllowed

    async def _person(self, chat: Chat, user_id: int) -> None:
        await chat.end_flow()
        await chat.show(person_card(await self._one(user_id), chat.user))

    async def _grant(self, chat: Chat, ref: str) -> None:
        """The button carries the balance that it was shown with, so a double tap counts once."""
        found = GRANT.fullmatch(ref)
        if found is None:
            raise NotAllowed
        user_id, amount, balance = (int(number) for number in found.groups())
        if (await self._one(user_id)).credits != balance:
            await chat.toast("Their credits have changed meanwhile: look again.")
        else:
            user = await self._people.grant(chat.user, user_id, amount)
            await chat.toast(f"{user.name[:40]} has {count(user.credits, 'credit')} now")
        await self._person(chat, user_id)

    async def receive_amount(self, chat: Chat) -> None:
        _leaders_only(chat)
        assert chat.flow is not None
        number = chat.text.replace(",", "").replace(".", "")
        if not (number.isascii() and number.isdigit() and len(number) < 9):
            raise BadInput(
                "That is not a number of credits.", "Send a number such as 250, or press Cancel."
            )
        await self._people.grant(chat.user, int(chat.flow.data["person"]), int(number))
        await self._person(chat, int(chat.flow.data["person"]))

    async def _invite(self, chat: Chat, role: Role) -> None:
        code, expires_at = await self._people.invite(chat.user, role)
        link = f"https://t.me/{chat.bot.username}?start={code}"
        await chat.show(
            invitation_card(link, role, clock_time(expires_at, chat.user.zone, chat.at), chat.user)
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
        await chat.show(stuck_card(await self._importing.stuck(chat.user), chat.user.zone, chat.at))

    async def _audit(self, chat: Chat, page: int) -> None:
        async with chat.database.read() as db:
            entries = await audit.page(db, PAGE + 1, page * PAGE)
        await chat.show(audit_card(entries, page, chat.user.zone, chat.at))


def _leaders_only(chat: Chat) -> None:
    if not chat.user.leads:
        raise NotAllowed("Only the owners of this bot can do that.")


def _sign(user: User) -> str:
    if user.status == "blocked":
        return "⛔"
    return {"owner": "👑", "admin": "⭐", "member": "👤"}[user.role]


def people_card(everyone: list[User], page: int) -> Card:
    shown = everyone[page * PAGE : (page + 1) * PAGE]
    rows = [
        (button(f"{_sign(user)} {user.name[:24]} · {user.credits:,}", "adm", "person", user.id),)
        for user in shown
    ]
    turn = _turn("people", page, more=len(everyone) > (page + 1) * PAGE)
    return Card(
        f"<b>{count(len(everyone), 'person', 'people')}</b>",
        (*rows, *turn, (button("✉️ Invite", "adm", "invite"), *BACK)),
    )


def person_card(user: User, viewer: User) -> Card:
    grants = tuple(
        button(f"+{amount}", "adm", "grant", f"{user.id}-{amount}-{user.credits}")
        for amount in AMOUNTS
    )
    rows: list[tuple[Button, ...]] = [(*grants, button("+ other…", "adm", "grant_ask", user.id))]
    if user.role != "owner" and user.id != viewer.id:
        blocked = user.status == "blocked"
        label, verb = ("Let in again", "let_in") if blocked else ("⛔ Block", "block")
        rows.append((button(label, "adm", verb, user.id),))
    rows.append((button("‹ People", "adm", "people"),))
    name = f" · @{esc(user.username)}" if user.username else ""
    return Card(
        f"{_sign(user)} <b>{esc(user.name, 60)}</b>{name}\n{user.role}, {user.status} · "
        f"{count(user.credits, 'credit')}\nid <code>{user.id}</code>",
        tuple(rows),
    )


def invitation_card(link: str, role: Role, until: str, viewer: User) -> Card:
    whom = "to one person, who becomes an admin" if role == "admin" else "to one person"
    rows: list[tuple[Button, ...]] = [(Button("📋 Copy link", copy=link),)]
    if viewer.role == "owner" and role == "member":
        rows.append((button("⭐ Invite an admin instead", "adm", "invite_admin"),))
    return Card(
        f"Send this link {whom}. It works once, until <b>{until}</b>:\n<code>{esc(link)}</code>",
        (*rows, BACK),
    )


def _turn(verb: str, page: int, *, more: bool) -> tuple[tuple[Button, ...], ...]:
    """The row that turns pages, if there are others."""
    keys = []
    if page:
        keys.append(button("‹ Newer" if verb == "audit" else "‹ Back", "adm", verb, page - 1))
    if more:
        keys.append(button("Older ›" if verb == "audit" else "More ›", "adm", verb, page + 1))
    return (tuple(keys),) if keys else ()


def stuck_card(views: list[View], zone: str, now: datetime) -> Card:
    if not views:
        return Card("No import is stuck. 🎉", (BACK,))
    lines = [
        f"<b>{esc(view.item.title, 40)}</b> of {esc(view.account, 40)}: {view.item.state}"
        f"{' (' + esc(view.item.reason) + ')' if view.item.reason else ''} since "
        f"{clock_time(view.item.changed_at, zone, now)}"
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


def audit_card(entries: list[Entry], page: int, zone: str, now: datetime) -> Card:
    lines = [
        f"{clock_time(entry.at, zone, now)} · {entry.actor_id or 'Reelay'} "
        f"{esc(entry.action)} {esc(entry.subject, 60)}"
        for entry in entries[:PAGE]
    ]
    nothing = "There is nothing older." if page else "Nothing yet."
    return Card(
        "<b>Audit log</b>\n" + ("\n".join(lines) or nothing),
        (*_turn("audit", page, more=len(entries) > PAGE), BACK),
    )
