"""/import, /jobs, pasted links and the buttons of an import's card."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from bot.cards import Card, button, esc
from bot.chat import Chat
from bot.importing import cards
from bot.importing.words import title
from bot.router import Router, error_card
from services.accounts.connecting import Connecting
from services.errors import BadLink, NotAllowed
from services.importing.decisions import Reason
from services.importing.service import AlreadyRunning, Importing, View
from services.instagram.links import Link, find_link
from storage import cards as card_rows
from storage import importing as storage
from storage.connections import Connection
from storage.import_items import Outcome

FLOW = "import"
CHOOSE = "import_account"
ENDED = ("done", "cancelled")
QUESTION = timedelta(minutes=1)


class ImportScreen:
    def __init__(self, importing: Importing, connecting: Connecting, gap: float) -> None:
        self._importing = importing
        self._connecting = connecting
        self._gap = gap

    def register(self, router: Router) -> None:
        router.command("import", self.open)
        router.command("jobs", self.jobs)
        router.area("imp", self.tapped)
        router.flow(FLOW, self.paste)
        router.flow(CHOOSE, self.paste)

    # ------------------------------------------------------------ a link

    async def open(self, chat: Chat) -> None:
        if chat.text:
            await self.paste(chat)
        else:
            await self._ask(chat)

    async def _ask(self, chat: Chat) -> None:
        known = await self._importing.collections(chat.user.id)
        await chat.ask(FLOW)
        rows = [(button(f"🔁 {one.title[:40]}", "imp", "again", one.id),) for one in known]
        text = (
            "<b>Import</b>\nPaste the link of a saved collection, of saved/all-posts, of a post or "
            "a reel."
        )
        if known:
            text += "\nOr look for new posts in one that you know:"
        await chat.show(Card(text, (*rows, (button("Cancel", "menu", "home"),))))

    async def paste(self, chat: Chat) -> None:
        """Errors: BadLink, each with its own sentence."""
        link = find_link(chat.text)
        await chat.end_flow()
        await self._begin(chat, link)

    async def _begin(self, chat: Chat, link: Link) -> None:
        accounts = await self._connecting.of_user(chat.user.id)
        if not accounts:
            await chat.show(
                Card(
                    "First connect the Instagram account that saved it; then paste the link again.",
                    ((button("🔗 Connect Instagram", "con", "begin"), cards.MENU),),
                )
            )
        elif len(accounts) == 1:
            await self._start(chat, accounts[0], link)
        else:
            owner = next((one for one in accounts if one.username == link.owner), None)
            if owner:
                await self._start(chat, owner, link)
                return
            await chat.ask(CHOOSE, url=link.url)
            rows = [(button(one.label[:40], "imp", "with", one.id),) for one in accounts]
            await chat.show(
                Card(
                    f"Which account saved <b>{esc(link.title, 60)}</b>?",
                    (*rows, (button("Cancel", "menu", "home"),)),
                )
            )

    async def _start(self, chat: Chat, account: Connection, link: Link) -> None:
        if account.app_only:
            await chat.show(cards.needs_cookies(account))
            return
        try:
            import_id = await self._importing.begin(chat.user.id, account.id, link)
        except AlreadyRunning as error:
            view = await self._importing.view(chat.user.id, error.import_id)
            if view.item.state != "offered":
                await chat.say(Card(f"<b>{esc(error.message)}</b> {esc(error.next_step)}"))
                await self._new_card(chat, view)
                return
            # the question was never answered and may be old: a fresh look replaces it
            await self._importing.cancel(chat.user.id, error.import_id)
            import_id = await self._importing.begin(chat.user.id, account.id, link)
        await self._new_card(chat, await self._importing.view(chat.user.id, import_id))

    async def follow(self, chat: Chat, import_id: int) -> None:
        """In place of the card that was tapped: an import that another screen began."""
        await self._show(chat, import_id)

    async def _new_card(self, chat: Chat, view: View) -> None:
        """The one message that follows this import from now on."""
        message_id = await chat.say(self._card(chat, view), silent=True)
        await self._follow(chat, view, message_id)

    async def _follow(
        self, chat: Chat, view: View, message_id: int, *, after: timedelta | None = None
    ) -> None:
        """`after`: the message shows a question now, and becomes the card again by itself then."""
        async with chat.database.write() as db:
            await card_rows.keep(
                db,
                user_id=chat.user.id,
                chat_id=chat.id,
                message_id=message_id,
                import_id=view.item.id,
                seen_change=None if after else view.item.changed_at,
                not_before=chat.at + (after or timedelta(0)),
            )

    def _card(self, chat: Chat, view: View) -> Card:
        return cards.card(view, chat.user, chat.at, self._gap)

    # ------------------------------------------------------------ taps

    async def tapped(self, chat: Chat) -> None:
        tap = chat.tap
        assert tap is not None
        match tap.verb:
            case "ask":
                await self._ask(chat)
            case "jobs":
                await self.jobs(chat)
            case "again":
                await self._again(chat, tap.id)
            case "with":
                await self._with(chat, tap.id)
            case _:
                await self._one(chat, tap.verb, tap.id)

    async def _one(self, chat: Chat, verb: str, import_id: int) -> None:
        """Taps on the card of one import; each service call checks owner and state again."""
        user_id = chat.user.id
        match verb:
            case "all" | "newest":
                await self._act(
                    chat, import_id, await self._importing.choose(user_id, import_id, verb)
                )
            case "pause":
                await self._act(chat, import_id, await self._importing.pause(user_id, import_id))
            case "resume":
                await self._resume(chat, import_id)
            case "cancel":
                view = await self._importing.view(user_id, import_id)
                if view.item.state in storage.UNFINISHED:
                    message_id = await chat.show(cards.stop_question(view))
                    await self._follow(chat, view, message_id, after=QUESTION)
                else:
                    await self._show(chat, import_id)
            case "cancel_yes":
                await self._cancel(chat, import_id)
            case "look":
                await self._importing.look_again(user_id, import_id)
                await self._show(chat, import_id)
            case "acted":
                await self._acted(chat, import_id)
            case "retry":
                count = await self._importing.retry_failed(user_id, import_id)
                await self._act(chat, import_id, bool(count), new_card=True)
            case "failures":
                view = await self._importing.view(user_id, import_id)
                listed = await self._importing.failures(user_id, import_id, cards.FAILURES_SHOWN)
                await chat.show(cards.failures(view, listed))
            case "csv":
                await self._csv(chat, import_id)
            case "open" | "result":  # a result may be running again by now
                await self._open(chat, await self._importing.view(user_id, import_id))
            case "show":
                await self._show(chat, import_id)

    async def _act(
        self, chat: Chat, import_id: int, moved: bool, *, new_card: bool = False
    ) -> None:
        """After a step: the card as it is now, or "already done" if somebody was faster."""
        if not moved:
            await chat.toast("Already done.")
        if new_card and moved:
            await self._new_card(chat, await self._importing.view(chat.user.id, import_id))
        else:
            await self._show(chat, import_id)

    async def _show(self, chat: Chat, import_id: int) -> None:
        view = await self._importing.view(chat.user.id, import_id)
        message_id = await chat.show(self._card(chat, view))
        if view.item.state in storage.UNFINISHED:
            await self._follow(chat, view, message_id)

    async def _open(self, chat: Chat, view: View) -> None:
        if view.item.state in ENDED:
            await chat.show(cards.result(view))
        else:
            await self._show(chat, view.item.id)

    async def _resume(self, chat: Chat, import_id: int) -> None:
        view = await self._importing.view(chat.user.id, import_id)
        if view.item.reason == Reason.CHECKPOINT and view.item.connection_id:
            await self._connecting.acted(chat.user.id, view.item.connection_id)
        await self._act(chat, import_id, await self._importing.resume(chat.user.id, import_id))

    async def _acted(self, chat: Chat, import_id: int) -> None:
        view = await self._importing.view(chat.user.id, import_id)
        if view.item.connection_id:
            await self._connecting.acted(chat.user.id, view.item.connection_id)
        await chat.show(Card("Good. Paste the link again to start the import.", ((cards.MENU,),)))

    async def _cancel(self, chat: Chat, import_id: int) -> None:
        before = await self._importing.view(chat.user.id, import_id)
        moved = await self._importing.cancel(chat.user.id, import_id)
        if not moved:
            await chat.toast("Already over.")
        view = await self._importing.view(chat.user.id, import_id)
        if before.item.state in ("previewing", "offered"):
            await chat.show(
                Card(
                    "Closed. Nothing was charged.",
                    ((button("📥 Import", "imp", "ask"), cards.MENU),),
                )
            )
        else:
            await chat.show(cards.result(view))

    # ------------------------------------------------------------ the rest

    async def jobs(self, chat: Chat) -> None:
        await chat.show(cards.jobs(await self._importing.latest(chat.user.id)))

    async def _again(self, chat: Chat, collection_id: int) -> None:
        known = await self._importing.collections(chat.user.id)
        one = next((one for one in known if one.id == collection_id), None)
        if one is None:
            raise NotAllowed
        await chat.end_flow()
        await self._begin(chat, find_link(one.url))

    async def _with(self, chat: Chat, connection_id: int) -> None:
        asked = await chat.asked()
        if asked is None or asked.name != CHOOSE:
            await chat.show(
                error_card(BadLink("That question is too old.", "Paste the link again."))
            )
            return
        accounts = await self._connecting.of_user(chat.user.id)
        account = next((one for one in accounts if one.id == connection_id), None)
        await chat.end_flow()
        if account is None:
            raise NotAllowed
        await self._start(chat, account, find_link(str(asked.data["url"])))

    async def _csv(self, chat: Chat, import_id: int) -> None:
        outcomes = await self._importing.report(chat.user.id, import_id)
        view = await self._importing.view(chat.user.id, import_id)
        await chat.send_file(
            f"reelay-import-{import_id}.csv", report(outcomes), f"{title(view)}: every post"
        )


def report(outcomes: list[Outcome]) -> bytes:
    """CSV with a byte order mark, which Excel needs to read UTF-8."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["position", "shortcode", "url", "outcome", "reason", "credits", "at_utc"])
    for one in outcomes:
        url = f"https://www.instagram.com/p/{one.shortcode}/" if one.shortcode else ""
        at = one.settled_at.strftime("%Y-%m-%d %H:%M:%S") if one.settled_at else ""
        paid = int(one.charged and one.state == "saved")
        # a shortcode may begin with "-", which a spreadsheet would read as a formula
        formula = one.shortcode.startswith(("-", "=", "+", "@"))
        code = f"'{one.shortcode}" if formula else one.shortcode
        table.writerow([one.position + 1, code, url, one.state, one.error or "", paid, at])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
