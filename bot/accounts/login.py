"""Logging in with a password, from the user name to the code: what is typed leaves the chat.

`LoginScreen` is put together by bot/accounts/parts.py; bot/notices.py says what a step came to with
the cards below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.cards import Button, Card, button, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.logging_in import LoggingIn
from services.errors import BadInput
from services.instagram.mobile_errors import read_username
from storage.logins import CODE, OVER

NAME, PASSWORD, CODE_FLOW = "login_name", "login_password", "login_code"
CANCEL = (button("Cancel", "con", "cancel"),)
MENU = button("Menu", "menu", "home")
BEGIN = button("🔑 Log in again", "log", "begin")
COOKIES = button("🍪 Send cookies", "con", "begin")


class LoginScreen:
    def __init__(self, logging_in: LoggingIn) -> None:
        self._logging_in = logging_in

    def register(self, router: Router) -> None:
        router.area("log", self.tapped)
        router.flow(NAME, self.name)
        router.flow(PASSWORD, self.password, any_text=True)

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        match chat.tap.verb:
            case "begin":
                await self._ask_name(chat)
            case "anyway":
                await self._ask_password(chat, read_username(chat.tap.ref))
            case "settings":
                await self._use_settings(chat)
            case "code":
                await self._ask_code(chat)
            case "again":
                await self._logging_in.again(chat.user.id, chat.tap.id)
                await self._under_way(chat, chat.tap.id)
            case "cancel":
                login = await self._logging_in.cancel(chat.user.id, chat.tap.id)
                await chat.end_flow()
                await chat.show(cancelled(login.username))

    # ------------------------------------------------------------ questions

    async def _ask_name(self, chat: Chat) -> None:
        await chat.ask(NAME)
        await chat.show(ask_name(await self._logging_in.in_settings(chat.user.id)))

    async def name(self, chat: Chat) -> None:
        """Errors: BadInput; the question stays open."""
        username = read_username(chat.text)
        if await self._logging_in.is_connected(chat.user.id, username):
            await chat.end_flow()
            await chat.say(already(username))
        else:
            await self._ask_password(chat, username)

    async def _ask_password(self, chat: Chat, username: str) -> None:
        await chat.ask(PASSWORD, username=username)
        await chat.show(ask_password(username))

    async def _ask_code(self, chat: Chat) -> None:
        assert chat.tap is not None
        login = await self._logging_in.get(chat.user.id, chat.tap.id)
        if login is None or login.state != CODE:
            await chat.toast("That log-in waits for no code any more.")
            return
        await chat.ask(CODE_FLOW, login=login.id)
        await chat.toast("Send the code now.")

    # ------------------------------------------------------------ secrets

    async def password(self, chat: Chat) -> None:
        """Deleted from the chat before anything else happens. Errors: BadInput."""
        assert chat.flow is not None
        gone = await chat.delete_theirs()
        await chat.end_flow()
        username = str(chat.flow.data["username"])
        login = await self._logging_in.begin(chat.user.id, username, chat.text)
        await chat.ask(CODE_FLOW, login=login.id)
        await chat.say(under_way(login.id, login.username, gone), silent=True)

    async def waits(self, chat: Chat) -> bool:
        """Whether what was typed in this flow may be a secret: a code while its log-in lasts, and
        after one that failed the password once more."""
        assert chat.flow is not None
        login = await self._logging_in.get(chat.user.id, int(chat.flow.data["login"]))
        if login is None:
            return False
        over = login.state == OVER
        return not over or not await self._logging_in.is_connected(chat.user.id, login.username)

    async def code(self, chat: Chat) -> None:
        """Deleted from the chat whatever it is. Errors: NotAllowed."""
        assert chat.flow is not None
        gone = await chat.delete_theirs()
        login = await self._logging_in.get(chat.user.id, int(chat.flow.data["login"]))
        if login is None or login.state == OVER:
            await chat.end_flow()
            await chat.say(too_late(gone))
            return
        if login.state != CODE:
            await chat.say(Card(f"I don't wait for a code just now.\n<i>{deleted(gone)}</i>"))
            return
        try:
            await self._logging_in.give_code(chat.user.id, login.id, chat.text)
        except BadInput as error:
            await chat.say(refused_code(login.id, error, gone))
            return
        await chat.say(Card(f"Checking the code…\n<i>{deleted(gone)}</i>"), silent=True)

    # ------------------------------------------------------------ under way

    async def _use_settings(self, chat: Chat) -> None:
        login = await self._logging_in.use_settings(tapped_by=chat.user.id)
        if login is None:
            await chat.toast("The settings hold no log-in any more.")
            return
        await self._under_way(chat, login.id)

    async def _under_way(self, chat: Chat, login_id: int) -> None:
        login = await self._logging_in.get(chat.user.id, login_id)
        await chat.ask(CODE_FLOW, login=login_id)
        await chat.show(under_way(login_id, login.username if login else "", None))


# ---------------------------------------------------------------- cards


def ask_name(in_settings: str) -> Card:
    of_server = button(f"Use the server's: @{in_settings}"[:40], "log", "settings")
    return Card(
        "<b>Log in with password</b>\n\nSend the user name of the account, as in its profile.\n\n"
        "Cookies are the safer way: you keep your password, and Instagram sees no new log-in. A "
        "log-in stays good for longer, but Instagram may ask for a code, or be suspicious of a new "
        "phone.",
        ((of_server,) if in_settings else (), (COOKIES, *CANCEL)),
    )


def already(username: str) -> Card:
    return Card(
        f"<b>@{esc(username)}</b> is connected already, and works. It needs no log-in; each "
        "one makes Instagram look.",
        (
            (
                button("Log in anyway", "log", "anyway", username),
                button("‹ Accounts", "con", "list"),
            ),
        ),
    )


def ask_password(username: str) -> Card:
    return Card(
        f"Now send the password of <b>@{esc(username)}</b>.\n\n🔒 Your message is deleted as soon "
        "as I have read it. The password is kept encrypted until the log-in is over, for 15 "
        "minutes at most; then only the session is.",
        (CANCEL,),
    )


def under_way(login_id: int, username: str, gone: bool | None) -> Card:
    """`gone`: whether a message with the password was deleted; None if there was none."""
    told = "" if gone is None else f"\n<i>{deleted(gone)}</i>"
    return Card(
        f"🔑 Logging in to <b>@{esc(username)}</b>… That takes up to two minutes: I ask at the "
        f"account's pace. If Instagram wants a code, I ask you for it here.{told}",
        ((button("Cancel", "log", "cancel", login_id),),),
    )


def cancelled(username: str) -> Card:
    return Card(
        f"Cancelled. The password of @{esc(username)} is forgotten, and nothing was connected.",
        ((BEGIN, MENU),),
    )


def too_late(gone: bool) -> Card:
    return Card(
        "That log-in is over: nothing was done with what you sent. If it was the password, press "
        f"the button first.\n<i>{deleted(gone)}</i>",
        ((BEGIN, MENU),),
    )


def refused_code(login_id: int, error: BadInput, gone: bool) -> Card:
    return Card(
        f"<b>{esc(error.message, 300)}</b> {esc(error.next_step, 300)}\n<i>{deleted(gone)}</i>",
        (_of_code(login_id, "")[-1:]),
    )


def code_wanted(data: Mapping[str, Any]) -> Card:
    """Of the notice "login_code"."""
    backup = (
        "" if data["wants"] == "email" else " One of your backup codes of eight digits works, too."
    )
    return Card(
        f"🔢 <b>@{esc(data['username'])}</b>: {esc(data['message'], 300)}\nSend it here within 15 "
        f"minutes; your message is deleted as soon as I have read it.{backup}",
        _of_code(data["login_id"], data["wants"]),
    )


def held(data: Mapping[str, Any]) -> Card:
    """Of the notice "login_held": it goes on when its person says so."""
    login_id, name = data["login_id"], f"<b>@{esc(data['username'])}</b>"
    cancel = button("Cancel", "log", "cancel", login_id)
    match data["why"]:
        case "app":
            return Card(
                f"✋ {name}: {esc(data['message'], 300)}\nOpen the Instagram app, confirm that it "
                "was you, then press the button within 15 minutes. I don't try again by myself.",
                ((button("✅ I approved it in the app", "log", "again", login_id),), (cancel,)),
            )
        case "code":
            return Card(
                f"🔌 {name}: {esc(data['message'], 300)} Send the code once more.",
                _of_code(login_id, ""),
            )
        case _:
            return Card(
                f"🔌 {name}: {esc(data['message'], 300)} I don't repeat a log-in by myself.",
                ((button("🔁 Try again", "log", "again", login_id), cancel),),
            )


def failed(data: Mapping[str, Any]) -> Card:
    """Of the notice "login_failed"."""
    again = BEGIN
    hint = ""
    if data["from_settings"]:
        again = button("🔁 Try the settings again", "log", "settings")
        hint = (
            "\nThat was the log-in of INSTAGRAM_USERNAME. It is not repeated until you change the "
            "settings or press the button."
        )
    return Card(
        f"❌ <b>Not logged in to @{esc(data['username'])}.</b> {esc(data['message'], 400)}\n"
        f"{esc(data['next_step'], 400)} The password is forgotten.{hint}",
        ((again,), (COOKIES, MENU)),
    )


def app_only(label: str, data: Mapping[str, Any]) -> Card:
    """Of the notice "connected_app"."""
    return Card(
        f"✅ Logged in as <b>{esc(label)}</b>: its feed can be read. Imports can't: instagram.com "
        f"did not take the app's session. {esc(data['message'], 300)}\nSend the cookies of your "
        "browser as well, and both work.",
        ((button("📰 Feed", "feed", "show"), COOKIES), (MENU,)),
    )


def deleted(gone: bool) -> str:
    if gone:
        return "Your message was deleted from this chat."
    return "I could not delete your message: please delete it yourself."


def _of_code(login_id: int, wants: str) -> tuple[tuple[Button, ...], ...]:
    """The last row is enough where a code was only mistyped."""
    type_it = button("⌨️ Type the code", "log", "code", login_id)
    another = button("🔁 Send a new code", "log", "again", login_id)
    cancel = button("Cancel", "log", "cancel", login_id)
    first = (type_it,) if wants == "app" else (type_it, another)
    return (first, (cancel,))
