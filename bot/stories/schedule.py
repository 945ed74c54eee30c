"""/schedule: the days ahead, and everything that makes them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.chat import Chat
from bot.router import Handler, Router
from bot.stories import schedule_cards as cards
from bot.stories.times import read_days, read_slots
from services.errors import NotAllowed
from services.stories.accounts import Accounts
from services.stories.planning import Planning, Week
from storage.story_accounts import StoryAccount

SLOTS_FLOW = "story_slots"
KINDS_FLOW = "story_kinds"
OFF_FLOW = "story_days_off"
ZONE_FLOW = "story_zone"
FLOWS = (SLOTS_FLOW, KINDS_FLOW, OFF_FLOW, ZONE_FLOW)


class ScheduleScreen:
    def __init__(self, accounts: Accounts, planning: Planning) -> None:
        self._accounts = accounts
        self._planning = planning

    def register(self, router: Router) -> None:
        router.command("schedule", self.open)
        router.area("plan", self.tapped)
        router.flow(SLOTS_FLOW, self.receive_slots)
        router.flow(KINDS_FLOW, self.receive_kind)
        router.flow(OFF_FLOW, self.receive_days)
        router.flow(ZONE_FLOW, self.receive_zone)

    async def open(self, chat: Chat) -> None:
        await self._week(chat, await self._accounts.one(chat.user.id))

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        flow = await chat.asked()
        if flow and flow.name in FLOWS:
            await chat.end_flow()
        handler = self._verbs().get(chat.tap.verb)
        if handler is None:
            raise NotAllowed("That button is from another version.", "Open /schedule.")
        await handler(chat)

    def _verbs(self) -> dict[str, Handler]:
        return {
            "show": self._show,
            "slots": self._slots,
            "unslot": self._unslot,
            "kinds": self._kinds,
            "kind": self._kind,
            "mode": self._mode,
            "share": self._share,
            "drop": self._drop,
            "drop_yes": self._drop_yes,
            "off": self._off,
            "on": self._on,
            "more": self._more,
            "api": self._api,
            "zone": self._zone,
            "rest": self._rest,
            "rest_set": self._rest_set,
            "ask": self._ask,
            "ask_set": self._ask_set,
        }

    async def _account(self, chat: Chat) -> StoryAccount:
        """The one whose number the button carries, alone or before a dash. Errors: NotAllowed."""
        assert chat.tap is not None
        number = chat.tap.ref.partition("-")[0]
        return await self._accounts.one(chat.user.id, _number(number) if number else 0)

    # ------------------------------------------------------------ the week

    async def _show(self, chat: Chat) -> None:
        await self._week(chat, await self._account(chat))

    async def _week(self, chat: Chat, account: StoryAccount) -> None:
        week = await self._planning.week(account, cards.DAYS)
        accounts = await self._accounts.of_user(chat.user.id)
        await chat.show(cards.week(week, chat.at, await self._accounts.meta(account), accounts))

    async def _plan(self, account: StoryAccount) -> Week:
        return await self._planning.week(account, 0)

    # ------------------------------------------------------------ slots

    async def _slots(self, chat: Chat) -> None:
        await self._show_slots(chat, await self._account(chat))

    async def _show_slots(self, chat: Chat, account: StoryAccount) -> None:
        await chat.ask(SLOTS_FLOW, account=account.id)
        await chat.show(cards.slots(account, (await self._plan(account)).slots))

    async def receive_slots(self, chat: Chat) -> None:
        account = await self._of_flow(chat)
        await self._accounts.add_slots(chat.user.id, account.id, read_slots(chat.text))
        await self._show_slots(chat, account)

    async def _unslot(self, chat: Chat) -> None:
        account = await self._account(chat)
        weekday, minute = divmod(_second(chat), cards.DAY_MINUTES)
        await self._accounts.remove_slot(chat.user.id, account.id, weekday, minute)
        await self._show_slots(chat, account)

    # ------------------------------------------------------------ categories

    async def _kinds(self, chat: Chat) -> None:
        await self._show_kinds(chat, await self._account(chat))

    async def _show_kinds(self, chat: Chat, account: StoryAccount) -> None:
        await chat.ask(KINDS_FLOW, account=account.id)
        known = await self._accounts.categories(account.id)
        await chat.show(cards.categories(account, known))

    async def receive_kind(self, chat: Chat) -> None:
        account = await self._of_flow(chat)
        await self._accounts.add_category(chat.user.id, account.id, chat.text)
        await self._show_kinds(chat, account)

    async def _kind(self, chat: Chat) -> None:
        assert chat.tap is not None
        await self._show_kind(chat, chat.tap.id)

    async def _show_kind(self, chat: Chat, category_id: int) -> None:
        account, category = await self._accounts.category(chat.user.id, category_id)
        await chat.show(cards.category(category, account))

    async def _mode(self, chat: Chat) -> None:
        assert chat.tap is not None
        number, _, mode = chat.tap.ref.partition("-")
        category_id = _number(number)
        await self._accounts.set_mode(chat.user.id, category_id, mode)
        await self._show_kind(chat, category_id)

    async def _share(self, chat: Chat) -> None:
        assert chat.tap is not None
        category_id = _number(chat.tap.ref.partition("-")[0])
        await self._accounts.change_share(chat.user.id, category_id, _second(chat))
        await self._show_kind(chat, category_id)

    async def _drop(self, chat: Chat) -> None:
        assert chat.tap is not None
        _, category = await self._accounts.category(chat.user.id, chat.tap.id)
        await chat.show(cards.drop_category(category))

    async def _drop_yes(self, chat: Chat) -> None:
        assert chat.tap is not None
        account = await self._accounts.delete_category(chat.user.id, chat.tap.id)
        await chat.toast("Deleted")
        await self._show_kinds(chat, account)

    # ------------------------------------------------------------ days without stories

    async def _off(self, chat: Chat) -> None:
        await self._show_off(chat, await self._account(chat))

    async def _show_off(self, chat: Chat, account: StoryAccount) -> None:
        await chat.ask(OFF_FLOW, account=account.id)
        await chat.show(cards.days_off(account, (await self._plan(account)).blackouts))

    async def receive_days(self, chat: Chat) -> None:
        account = await self._of_flow(chat)
        today = chat.at.astimezone(ZoneInfo(account.zone)).date()
        first, last = read_days(chat.text, today)
        await self._accounts.add_blackout(chat.user.id, account.id, first, last)
        await self._show_off(chat, account)

    async def _on(self, chat: Chat) -> None:
        account = await self._account(chat)
        await self._accounts.remove_blackout(chat.user.id, account.id, _second(chat))
        await self._show_off(chat, account)

    # ------------------------------------------------------------ the account's own settings

    async def _more(self, chat: Chat) -> None:
        await chat.show(cards.more(await self._account(chat)))

    async def _api(self, chat: Chat) -> None:
        account = await self._account(chat)
        await self._accounts.set_api(chat.user.id, account.id, not account.by_api)
        await self._more(chat)

    async def _zone(self, chat: Chat) -> None:
        account = await self._account(chat)
        await chat.ask(ZONE_FLOW, account=account.id)
        await chat.show(cards.ask_zone(account))

    async def receive_zone(self, chat: Chat) -> None:
        account = await self._of_flow(chat)
        await self._accounts.set_zone(chat.user.id, account.id, chat.text)
        await chat.end_flow()
        await chat.show(cards.more(await self._accounts.one(chat.user.id, account.id)))

    async def _rest(self, chat: Chat) -> None:
        await chat.show(cards.choose_rest(await self._account(chat)))

    async def _rest_set(self, chat: Chat) -> None:
        account = await self._account(chat)
        await self._accounts.set_lock_days(chat.user.id, account.id, _second(chat))
        await self._more(chat)

    async def _ask(self, chat: Chat) -> None:
        await chat.show(cards.choose_ask(await self._account(chat)))

    async def _ask_set(self, chat: Chat) -> None:
        account = await self._account(chat)
        await self._accounts.set_ask_minutes(chat.user.id, account.id, _second(chat))
        await self._more(chat)

    async def _of_flow(self, chat: Chat) -> StoryAccount:
        assert chat.flow is not None
        return await self._accounts.one(chat.user.id, int(chat.flow.data["account"]))


def _second(chat: Chat) -> int:
    """Of a ref such as "3-12". Errors: NotAllowed."""
    assert chat.tap is not None
    return _number(chat.tap.ref.partition("-")[2])


def _number(text: str) -> int:
    """Of a button, which anybody may have written. Errors: NotAllowed."""
    if not (text.isascii() and text.isdigit()):
        raise NotAllowed("That button is from another version.", "Open /schedule.")
    return int(text[:18])
