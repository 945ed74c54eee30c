"""/settings: time zone, quiet hours, which notices ring. One message, edited at each tap."""

from __future__ import annotations

from bot.cards import Button, Card, button, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.people import MUTABLE, People
from services.errors import BadInput
from storage.people import User

FLOW = "zone"
ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Tokyo",
)
QUIET = {"22-8": (22, 8), "23-7": (23, 7), "0-6": (0, 6)}
NOTICES = {
    "import_done": "Import finished",
    "analyses": "Analysis finished",
    "insights": "Figures read, weekly digest",
    "stories": "Stories that went out",
    "expiry": "Cookies run out soon",
    "alerts": "Alerts for the owners",
}
assert set(NOTICES) == set(MUTABLE)


class Preferences:
    def __init__(self, people: People) -> None:
        self._people = people

    def register(self, router: Router) -> None:
        router.command("settings", self.open)
        router.area("set", self.tapped)
        router.flow(FLOW, self.receive_zone)

    async def open(self, chat: Chat) -> None:
        await chat.show(overview(await self._fresh(chat)))

    async def _fresh(self, chat: Chat) -> User:
        return await self._people.find(chat.user.id) or chat.user

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        ref = chat.tap.ref
        match chat.tap.verb:
            case "zones":
                await chat.ask(FLOW)
                await chat.show(zones_card(chat.user.zone))
                return
            case "zone" if ref.isdigit() and int(ref) < len(ZONES):
                await chat.end_flow()
                await self._people.set_zone(chat.user.id, ZONES[int(ref)])
            case "charts":
                await self._people.set_dark_charts(chat.user.id, not chat.user.dark_charts)
            case "quiet":
                await chat.show(quiet_card(chat.user))
                return
            case "quiet_set":
                await self._people.set_quiet_hours(chat.user.id, QUIET.get(ref))
            case "notices":
                await chat.show(notices_card(chat.user))
                return
            case "mute":
                await self._people.toggle_muted(chat.user, ref)
                await chat.show(notices_card(await self._fresh(chat)))
                return
            case "show":
                await chat.end_flow()
        await chat.show(overview(await self._fresh(chat)))

    async def receive_zone(self, chat: Chat) -> None:
        try:
            await self._people.set_zone(chat.user.id, chat.text)
        except BadInput as error:
            await chat.say(
                Card(
                    f"<b>{esc(error.message)}</b>\n{esc(error.next_step)}",
                    ((button("Cancel", "set", "show"),),),
                )
            )
            return
        await chat.end_flow()
        await chat.say(overview(await self._fresh(chat)))


def overview(user: User) -> Card:
    quiet = "off" if user.quiet_from is None else f"{user.quiet_from}–{user.quiet_until}"
    silent = len(user.muted)
    return Card(
        "<b>Settings</b>",
        (
            (button(f"🌍 Time zone · {user.zone}", "set", "zones"),),
            (button(f"🌙 Quiet hours · {quiet}", "set", "quiet"),),
            (
                button(
                    f"🔔 Notices · {silent} silent" if silent else "🔔 Notices · all ring",
                    "set",
                    "notices",
                ),
            ),
            (button(f"📊 Charts · {'dark' if user.dark_charts else 'light'}", "set", "charts"),),
            (button("‹ Menu", "menu", "home"),),
        ),
    )


def zones_card(current: str) -> Card:
    buttons = [
        button(f"{'✓ ' if zone == current else ''}{zone}", "set", "zone", index)
        for index, zone in enumerate(ZONES)
    ]
    rows = tuple(tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2))
    return Card(
        f"<b>Time zone</b>\nNow: {esc(current)}. Choose one, or send its name, such as "
        "<code>Europe/Madrid</code>.",
        (*rows, (button("‹ Settings", "set", "show"),)),
    )


def quiet_card(user: User) -> Card:
    def choice(name: str, hours: tuple[int, int] | None) -> Button:
        chosen = hours == (user.quiet_from, user.quiet_until) or (
            hours is None and user.quiet_from is None
        )
        label = name.replace("-", "–").capitalize()
        return button(f"{'✓ ' if chosen else ''}{label}", "set", "quiet_set", name)

    return Card(
        f"<b>Quiet hours</b>, in {esc(user.zone)} time\nMessages still come, without a sound. What "
        "needs you rings all the same.",
        (
            tuple(choice(name, hours) for name, hours in QUIET.items()),
            (choice("off", None), button("‹ Settings", "set", "show")),
        ),
    )


def notices_card(user: User) -> Card:
    rows = [
        (button(f"{'🔕' if kind in user.muted else '🔔'} {title}", "set", "mute", kind),)
        for kind, title in NOTICES.items()
    ]
    return Card(
        "<b>Notices</b>\nTap to switch between ringing 🔔 and silent 🔕. Progress is always "
        "silent, and what needs you always rings.",
        (*rows, (button("‹ Settings", "set", "show"),)),
    )
