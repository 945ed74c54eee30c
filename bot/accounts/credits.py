"""/credits: the balance, what it came from, and the proof that it is right."""

from __future__ import annotations

from bot.cards import Card, button, count, day, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.ledger import Ledger
from storage.credits import Audit, Line

PAGE = 8
LAST_PAGE = 9999  # whatever a forged button says
SIGN = {"grant": "🎁", "charge": "📥", "refund": "↩️"}


class Credits:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def register(self, router: Router) -> None:
        router.command("credits", self.open)
        router.area("cre", self.tapped)

    async def open(self, chat: Chat) -> None:
        if chat.text.lower() == "audit":
            await chat.show(audit_card(await self._ledger.audit(chat.user.id)))
        else:
            await self._show(chat, 0)

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        match chat.tap.verb:
            case "audit":
                await chat.show(audit_card(await self._ledger.audit(chat.user.id)))
            case "show":
                await self._show(chat, min(chat.tap.id, LAST_PAGE))

    async def _show(self, chat: Chat, page: int) -> None:
        lines = await self._ledger.history(chat.user.id, PAGE + 1, page * PAGE)
        await chat.show(history_card(chat.user.credits, chat.user.zone, lines, page))


def history_card(balance: int, zone: str, lines: list[Line], page: int) -> Card:
    shown = [
        f"{SIGN[line.kind]} {line.amount:+,} · {esc(line.title, 40)} · {day(line.at, zone)}"
        for line in lines[:PAGE]
    ]
    text = f"<b>{count(balance, 'credit')}</b>\nOne credit is one saved post.\n\n"
    nothing = "There is nothing older." if page else "Nothing was charged or granted yet."
    text += "\n".join(shown) or nothing
    turn = []
    if page:
        turn.append(button("‹ Newer", "cre", "show", page - 1))
    if len(lines) > PAGE:
        turn.append(button("Older ›", "cre", "show", page + 1))
    last = (button("🧾 Audit", "cre", "audit"), button("‹ Menu", "menu", "home"))
    return Card(text, (*((tuple(turn),) if turn else ()), last))


def audit_card(audit: Audit) -> Card:
    verdict = (
        "✅ The books are right." if audit.holds else "❌ The books are wrong: please report this."
    )
    rows = (
        ("Balance", audit.balance),
        ("Sum of all entries", audit.entries),
        ("Charges without post or refund", audit.charges_without_post),
        ("Saved posts without charge", audit.saved_without_charge),
        ("Refunds without charge", audit.refunds_without_charge),
    )
    table = "\n".join(f"{name:<31}{number:>6}" for name, number in rows)
    return Card(
        f"<b>{verdict}</b>\n<pre>{esc(table, 600)}</pre>", ((button("‹ Credits", "cre", "show"),),)
    )
