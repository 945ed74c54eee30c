"""What a person does in the app, what the page hears of it, and what the bot gets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import Bot, types

from sandbox.telegram import Event, Telegram
from sandbox.telegram.events import QUEUE_LIMIT
from tests.sandbox.telegram.conftest import LEO, MIA, TEAM, picture

GO = types.InlineKeyboardMarkup(
    inline_keyboard=[[types.InlineKeyboardButton(text="Go", callback_data="go")]]
)


def pending(telegram: Telegram) -> list[dict[str, Any]]:
    return [update.as_json() for update in telegram.updates.pending.values()]


def drain(queue: asyncio.Queue[Event]) -> list[Event]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_the_page_hears_everything_in_order(bot: Bot, telegram: Telegram) -> None:
    queue = telegram.subscribe()
    said = telegram.say(MIA, "hi")
    await bot.send_chat_action(MIA, "typing")
    sent = await bot.send_message(MIA, "x", disable_notification=True, reply_markup=GO)
    await bot.send_message(MIA, "loud")
    await bot.edit_message_text("y", chat_id=MIA, message_id=sent.message_id, reply_markup=GO)
    query = telegram.tap(MIA, sent.message_id, "go")
    await bot.answer_callback_query(query, text="ok")
    await bot.delete_message(MIA, said)
    await bot.set_my_commands([types.BotCommand(command="start", description="Menu")])
    events = drain(queue)
    assert [event.kind for event in events if event.chat_id == MIA] == [
        *("message", "action", "message", "message", "ring", "edit", "toast", "delete"),
        "commands",
    ]
    assert [e.payload["silent"] for e in events if e.kind == "message"] == [False, True, False]
    by_kind = {event.kind: event.payload for event in events if event.chat_id == MIA}
    assert by_kind["action"] == {"action": "typing"}
    assert by_kind["edit"]["text"] == "y"
    assert by_kind["toast"] == {"query_id": query, "text": "ok", "show_alert": False}
    assert by_kind["delete"] == {"message_id": said}
    assert by_kind["commands"] == {"commands": [{"command": "start", "description": "Menu"}]}
    telegram.unsubscribe(queue)
    telegram.say(MIA, "unheard")
    assert queue.empty()


def test_a_page_that_does_not_read_loses_the_oldest(telegram: Telegram) -> None:
    queue = telegram.subscribe()
    for number in range(QUEUE_LIMIT + 5):
        telegram.say(MIA, str(number))
    events = drain(queue)
    assert len(events) == QUEUE_LIMIT
    assert events[0].payload["text"] == "5"


async def test_only_buttons_that_are_there_can_be_tapped(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(MIA, "x", reply_markup=GO)
    with pytest.raises(KeyError):
        telegram.tap(MIA, sent.message_id, "gone")
    with pytest.raises(KeyError):
        telegram.tap(MIA, 5, "go")
    await bot.edit_message_reply_markup(chat_id=MIA, message_id=sent.message_id)
    with pytest.raises(KeyError):
        telegram.tap(MIA, sent.message_id, "go")
    assert pending(telegram) == []


async def test_toasts_go_to_who_tapped(bot: Bot, telegram: Telegram) -> None:
    sent = await bot.send_message(TEAM, "x", reply_markup=GO)
    query = telegram.tap(LEO, sent.message_id, "go", chat_id=TEAM)
    await bot.answer_callback_query(query, text="Leo")
    assert [toast["text"] for toast in telegram.toasts(LEO)] == ["Leo"]
    assert telegram.toasts(MIA) == []


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("hello", False),
        ("/start", True),
        ("/start@Reelay_Sandbox_Bot now", True),
        ("/start@other_bot", False),
        ("please /start", False),
    ],
)
def test_privacy_mode_in_groups(telegram: Telegram, text: str, heard: bool) -> None:
    telegram.say(LEO, text, chat_id=TEAM)
    assert [u["message"]["text"] for u in pending(telegram)] == ([text] if heard else [])
    assert telegram.history(TEAM)[-1]["chat"] == {"id": TEAM, "type": "supergroup", "title": "Team"}


def test_only_members_talk_in_a_group(telegram: Telegram) -> None:
    telegram.add_person(9, "Zoe")
    with pytest.raises(KeyError):
        telegram.say(9, "hi", chat_id=TEAM)
    with pytest.raises(KeyError):
        telegram.say(9, "hi", chat_id=MIA)


def test_blocking_and_unblocking(telegram: Telegram) -> None:
    telegram.block(MIA)
    telegram.block(MIA)  # nothing changes, so nothing is told
    with pytest.raises(ValueError, match="blocked"):
        telegram.say(MIA, "x")
    telegram.unblock(MIA)
    changes = [update["my_chat_member"] for update in pending(telegram)]
    statuses = [(c["old_chat_member"]["status"], c["new_chat_member"]["status"]) for c in changes]
    assert statuses == [("member", "kicked"), ("kicked", "member")]


def test_a_person_edits_only_what_they_wrote(telegram: Telegram) -> None:
    said = telegram.say(MIA, "/strat")
    telegram.edit_own(MIA, said, "/start")
    message = telegram.history(MIA)[-1]
    assert (message["text"], message["entities"][0]["type"]) == ("/start", "bot_command")
    assert "edit_date" in message
    with pytest.raises(KeyError):
        telegram.edit_own(LEO, said, "x")


@pytest.mark.parametrize(
    ("name", "mime", "as_photo", "kind"),
    [
        ("c.txt", "text/plain", False, "document"),
        ("p.png", "image/png", False, "document"),
        ("p.png", "image/png", True, "photo"),
        ("f.mp4", "video/mp4", False, "video"),
        ("a.mp3", "audio/mpeg", False, "audio"),
    ],
)
def test_files_arrive_by_their_type(
    telegram: Telegram, name: str, mime: str, as_photo: bool, kind: str
) -> None:
    data = picture()
    telegram.send_file(MIA, name, data, mime, caption="see /x", as_photo=as_photo)
    message = pending(telegram)[-1]["message"]
    assert message["caption_entities"][0]["type"] == "bot_command"
    media = message[kind][-1] if kind == "photo" else message[kind]
    assert telegram.file_bytes(media["file_id"]) == (name, data)


def test_what_telegram_does_not_take(telegram: Telegram) -> None:
    with pytest.raises(ValueError, match="IMAGE_PROCESS_FAILED"):
        telegram.send_file(MIA, "p.png", b"no picture", "image/png", as_photo=True)
    with pytest.raises(ValueError, match="0 to 1024"):
        telegram.send_file(MIA, "c.txt", b"x", "text/plain", caption="x" * 1025)
    for text in ("", "  ", "😀" * 2049):
        with pytest.raises(ValueError, match="1 to 4096"):
            telegram.say(MIA, text)
    with pytest.raises(KeyError):
        telegram.file_bytes("nothing")


def test_the_same_bytes_have_one_unique_id(telegram: Telegram) -> None:
    for _ in range(2):
        telegram.send_file(MIA, "c.txt", b"x", "text/plain")
    first, second = (message["document"] for message in telegram.history(MIA)[-2:])
    assert first["file_unique_id"] == second["file_unique_id"]
    assert first["file_id"] != second["file_id"]


async def test_the_narrowest_command_menu_wins(bot: Bot, telegram: Telegram) -> None:
    def menu(user: int) -> list[str]:
        return [command["command"] for command in telegram.commands_for(user)]

    async def set_menu(name: str, **where: Any) -> None:
        await bot.set_my_commands([types.BotCommand(command=name, description="d")], **where)

    await set_menu("everybody")
    await set_menu("groups", scope=types.BotCommandScopeAllGroupChats())
    assert menu(LEO) == ["everybody"]
    await set_menu("private", scope=types.BotCommandScopeAllPrivateChats())
    await set_menu("german", language_code="de", scope=types.BotCommandScopeAllPrivateChats())
    await set_menu("mia", scope=types.BotCommandScopeChat(chat_id=MIA))
    assert (menu(LEO), menu(MIA)) == (["german"], ["mia"])
    await bot.delete_my_commands(scope=types.BotCommandScopeChat(chat_id=MIA))
    assert menu(MIA) == ["private"]


def test_histories_are_copies(telegram: Telegram) -> None:
    telegram.history(MIA)[0]["text"] = "changed"
    assert telegram.history(MIA)[0]["text"] == "hello"


def test_the_oldest_files_and_messages_go(
    telegram: Telegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.telegram.files.STORE_LIMIT", 10)
    monkeypatch.setattr("sandbox.telegram.messages.KEPT_PER_CHAT", 2)
    for data in (b"123456", b"7890", b"x"):
        telegram.send_file(MIA, "c.txt", data, "text/plain")
    assert len(telegram.history(MIA)) == 2
    ids = [update["message"]["document"]["file_id"] for update in pending(telegram)]
    with pytest.raises(KeyError):
        telegram.file_bytes(ids[0])
    assert [telegram.file_bytes(file_id)[1] for file_id in ids[1:]] == [b"7890", b"x"]


async def test_an_album_rings_once(bot: Bot, telegram: Telegram) -> None:
    queue = telegram.subscribe()
    item = types.InputMediaPhoto(media=types.BufferedInputFile(picture(), "p.png"))
    await bot.send_media_group(MIA, [item, item, item])
    kinds = [event.kind for event in drain(queue)]
    assert (kinds.count("message"), kinds.count("ring")) == (3, 1)


async def test_a_group_counts_its_own_message_ids(bot: Bot, telegram: Telegram) -> None:
    private = await bot.send_message(MIA, "x")
    first = await bot.send_message(TEAM, "x")
    second = await bot.send_message(TEAM, "x")
    assert second.message_id == first.message_id + 1 == private.message_id


async def test_a_reply_does_not_show_what_its_original_replied_to(bot: Bot) -> None:
    message = await bot.send_message(MIA, "1")
    for text in "23":
        message = await bot.send_message(
            MIA, text, reply_parameters=types.ReplyParameters(message_id=message.message_id)
        )
    assert message.reply_to_message
    assert message.reply_to_message.text == "2"
    assert message.reply_to_message.reply_to_message is None
