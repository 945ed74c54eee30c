"""/privacy: take everything along, or have everything deleted, with a day to think again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

from bot.cards import Card, button, clock_time, count, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.privacy import Privacy
from services.analysis.service import Analysing
from services.importing.service import Importing
from storage.people import User

FLOW = "delete"
WORD = "DELETE"


class PrivacyScreen:
    def __init__(self, privacy: Privacy, importing: Importing, analysing: Analysing) -> None:
        self._privacy = privacy
        self._importing = importing
        self._analysing = analysing

    def register(self, router: Router) -> None:
        router.command("privacy", self.open)
        router.area("pri", self.tapped)
        router.flow(FLOW, self.receive)

    async def open(self, chat: Chat) -> None:
        posts, size = await self._privacy.holds(chat.user.id)
        await chat.show(overview(chat.user, posts, size, chat.at))

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        match chat.tap.verb:
            case "export":
                await self._privacy.export(chat.user.id)
                await chat.toast("Your export is being built; it arrives here.")
            case "delete":
                await chat.ask(FLOW)
                await chat.show(await self._warning(chat))
            case "keep":
                await chat.end_flow()
                await chat.show(
                    Card("Kept. Nothing was deleted.", ((button("Menu", "menu", "home"),),))
                )
            case "undo":
                undone = await self._privacy.undo_deletion(chat.user.id)
                text = (
                    "Undone. Everything stays; what was stopped can be started again."
                    if undone
                    else "Nothing was going to be deleted."
                )
                await chat.show(Card(text, ((button("Menu", "menu", "home"),),)))
            case "show":
                await self.open(chat)

    async def _warning(self, chat: Chat) -> Card:
        posts, _ = await self._privacy.holds(chat.user.id)
        return warning(chat.user, posts)

    async def receive(self, chat: Chat) -> None:
        if chat.text != WORD:
            await chat.say(
                Card(
                    f"Nothing was deleted. Type <b>{WORD}</b> in capital letters to go on, or "
                    "keep everything.",
                    ((button("Keep everything", "pri", "keep"),),),
                )
            )
            return
        await chat.end_flow()
        due = await self._privacy.ask_deletion(chat.user.id)
        await self._importing.cancel_all(chat.user.id)
        await self._analysing.cancel_all(chat.user.id)
        until = clock_time(due, chat.user.zone, chat.at)
        await chat.say(
            Card(
                f"Everything of yours is deleted at <b>{until}</b>. Until then you can undo it "
                "here or in /privacy.",
                ((button("↩️ Undo", "pri", "undo"), button("Menu", "menu", "home")),),
            )
        )


def warning(user: User, posts: int) -> Card:
    return Card(
        "<b>Delete everything?</b>\n"
        f"Your Instagram sessions and accounts at Meta, a library of {count(posts, 'post')}, your "
        "feeds with their archive, stories with their files, schedule and history, imports, "
        f"analyses, {count(user.credits, 'credit')} and settings. What runs stops now, and no "
        "story goes out any more. What is live on Instagram stays there.\n\n"
        f"You have 24 hours to undo it, then it is gone for good. Type <b>{WORD}</b> to go on.",
        ((button("Keep everything", "pri", "keep"),),),
    )


def export_ready(parts: int, links: Mapping[str, str | None]) -> Card:
    """`links`: {object key: address} of the parts that are too large for the chat; None: this bot
    has no address to give."""
    number = f" in {parts} parts" if parts > 1 else ""
    lines = [
        f"📦 Here is everything I have of you{number}: data.json, raw.json, media/, stories/ with "
        "the files of your stories, feed.jsonl with the posts of your feed, and reels.jsonl with "
        "those of your analyses."
    ]
    for key, address in links.items():
        name = esc(PurePosixPath(key).name)
        if address:
            lines.append(
                f"{name} is too large for Telegram. Download it within a day: {esc(address)}"
            )
        else:
            lines.append(
                f"{name} is too large for Telegram. Whoever runs this bot has to set "
                "<code>PUBLIC_URL</code>; then export again, and I give you a link to it."
            )
    return Card("\n".join(lines))


def overview(user: User, posts: int, size: int, now: datetime) -> Card:
    text = (
        "<b>Your data</b>\n"
        f"A library of {count(posts, 'post')} with {size / 1e6:,.1f} MB of media, your feeds with "
        "their archive, stories with their files, schedule and history, imports, analyses, "
        "credits and settings; your Instagram sessions and tokens of Meta, encrypted. It is on "
        "this server and nowhere else, but for the copies from which Meta fetches stories: those "
        "last a day."
    )
    export = (button("📦 Export everything", "pri", "export"),)
    menu = (button("‹ Menu", "menu", "home"),)
    if user.delete_after:
        due = clock_time(user.delete_after, user.zone, now)
        text += f"\n\n⚠️ Everything is deleted at <b>{due}</b>."
        return Card(text, (export, (button("↩️ Undo the deletion", "pri", "undo"),), menu))
    return Card(text, (export, (button("🗑 Delete everything…", "pri", "delete"),), menu))
