"""Wanted mistakes: the documented error for each, read by aiogram."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiogram import Bot, types
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)

from sandbox.telegram import Telegram
from tests.sandbox.telegram.conftest import LEO, MIA, TEAM, Clock, picture

Mistake = Callable[[Bot], Awaitable[Any]]


def rows(*buttons: dict[str, Any]) -> Any:
    """Unchecked markup: aiogram itself would refuse most of these."""
    button = types.InlineKeyboardButton.model_construct
    return types.InlineKeyboardMarkup.model_construct(
        inline_keyboard=[[button(**fields) for fields in buttons]]
    )


def file(data: bytes, name: str = "x.bin") -> types.BufferedInputFile:
    return types.BufferedInputFile(data, name)


def send(text: str = "x", chat: Any = MIA, **fields: Any) -> Mistake:
    return lambda bot: bot.send_message(chat, text, **fields)


def album(*items: Any) -> Mistake:
    return lambda bot: bot.send_media_group(MIA, list(items))


PHOTO = types.InputMediaPhoto(media=file(picture(), "p.png"))
DOCUMENT = types.InputMediaDocument(media=file(b"x"))
GO = {"text": "Go", "callback_data": "go"}

MISTAKES: list[tuple[str, Mistake]] = [
    ("chat not found", send(chat=999)),
    ("chat not found", send(chat="@nobody")),
    ("chat_id is empty", send(chat="")),
    ("message text is empty", send("  ")),
    ("message text is empty", send("<b></b>", parse_mode="HTML")),
    ("message is too long", send("x" * 4097)),
    ("text is too long", send("x" * 40_000)),
    ("unsupported parse_mode", send(parse_mode="MarkdownV2")),
    (
        'can\'t parse entities: Unsupported start tag "" at byte offset 2',
        send("a < b", parse_mode="HTML"),
    ),
    (
        "message to be replied not found",
        send(reply_parameters=types.ReplyParameters(message_id=1)),
    ),
    ("BUTTON_DATA_INVALID", send(reply_markup=rows({**GO, "callback_data": "é" * 33}))),
    ("BUTTON_DATA_INVALID", send(reply_markup=rows({**GO, "callback_data": ""}))),
    (
        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        send(reply_markup=rows({"text": "Go"})),
    ),
    (
        "inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL",
        send(reply_markup=rows({"text": "Go", "url": "http://localhost/"})),
    ),
    ("reply markup is too long", send(reply_markup=rows(*[GO] * 9))),
    ("message caption is too long", lambda bot: bot.send_photo(MIA, file(b""), caption="x" * 1025)),
    ("IMAGE_PROCESS_FAILED", lambda bot: bot.send_photo(MIA, file(b"no picture"))),
    ("IMAGE_PROCESS_FAILED", lambda bot: bot.send_photo(MIA, file(picture()[:60]))),
    ("PHOTO_INVALID_DIMENSIONS", lambda bot: bot.send_photo(MIA, file(picture(2100, 100)))),
    ("PHOTO_INVALID_DIMENSIONS", lambda bot: bot.send_photo(MIA, file(picture(9000, 1001)))),
    (
        "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes",
        lambda bot: bot.send_photo(MIA, file(bytes(10 * 2**20 + 1))),
    ),
    ("file must be non-empty", lambda bot: bot.send_document(MIA, file(b""))),
    ("there is no document in the request", lambda bot: bot.send_document(MIA, "")),
    (
        "wrong file_id or the file is temporarily unavailable",
        lambda bot: bot.send_video(MIA, "BAACunknown"),
    ),
    ("wrong HTTP URL specified", lambda bot: bot.send_audio(MIA, "ftp://x.org/a.mp3")),
    ("failed to get HTTP URL content", lambda bot: bot.send_audio(MIA, "https://x.org/a.mp3")),
    ("there are no messages to send", album()),
    ("too few messages to send as an album", album(PHOTO)),
    ("too many messages to send as an album", album(*[PHOTO] * 11)),
    ("document can't be mixed with other media types", album(PHOTO, DOCUMENT)),
    ("invalid file_id", lambda bot: bot.get_file("nothing")),
    ("query is too old and response timeout expired", lambda bot: bot.answer_callback_query("1")),
    ("MESSAGE_TOO_LONG", lambda bot: bot.answer_callback_query("1", text="x" * 201)),
    ("message to edit not found", lambda bot: bot.edit_message_text("x", None, MIA, 1)),
    ("message to delete not found", lambda bot: bot.delete_message(MIA, 1)),
    ("message to copy not found", lambda bot: bot.copy_message(MIA, MIA, 1)),
    ("message to pin not found", lambda bot: bot.pin_chat_message(MIA, 1)),
    ("message to react not found", lambda bot: bot.set_message_reaction(MIA, 1)),
    ("too many message identifiers specified", lambda bot: bot.delete_messages(MIA, [1] * 101)),
    ("wrong parameter action in request", lambda bot: bot.send_chat_action(MIA, "dancing")),
    (
        "secret token is too long",
        lambda bot: bot.set_webhook("https://x.org/", secret_token="s" * 257),
    ),
    (
        "secret token contains unallowed characters",
        lambda bot: bot.set_webhook("https://x.org/", secret_token="a b"),
    ),
    (
        "bad webhook: An HTTPS URL must be provided for webhook",
        lambda bot: bot.set_webhook("http://x.org/"),
    ),
    (
        "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        lambda bot: bot.set_webhook("https://x.org:8080/"),
    ),
    ("bot name is too long", lambda bot: bot.set_my_name("x" * 65)),
    ("bot description is too long", lambda bot: bot.set_my_description("x" * 513)),
    ("bot short description is too long", lambda bot: bot.set_my_short_description("x" * 121)),
]


@pytest.mark.parametrize(("text", "mistake"), MISTAKES)
async def test_refuses_with_400(bot: Bot, text: str, mistake: Mistake) -> None:
    with pytest.raises(TelegramBadRequest) as refusal:
        await mistake(bot)
    assert refusal.value.message.startswith(f"Bad Request: {text}")


@pytest.mark.parametrize(
    ("command", "description", "text"),
    [
        ("x" * 33, "d", "command length must not exceed 32"),
        ("", "d", "command must be non-empty"),
        ("Start", "d", "BOT_COMMAND_INVALID"),
        ("start", "", "command description must be non-empty"),
        ("start", "d" * 257, "command description length must not exceed 256"),
    ],
)
async def test_refuses_commands(bot: Bot, command: str, description: str, text: str) -> None:
    wrong = types.BotCommand(command=command, description=description)
    with pytest.raises(TelegramBadRequest, match=text):
        await bot.set_my_commands([wrong])


async def test_refuses_too_many_commands(bot: Bot) -> None:
    commands = [types.BotCommand(command=f"c{n}", description="d") for n in range(101)]
    with pytest.raises(TelegramBadRequest, match="BOT_COMMANDS_TOO_MUCH"):
        await bot.set_my_commands(commands)


async def test_a_hundred_buttons_pass_and_one_more_is_refused(bot: Bot) -> None:
    button = types.InlineKeyboardButton(text="x", callback_data="x")
    full = [[button] * 5] * 20
    await bot.send_message(MIA, "x", reply_markup=types.InlineKeyboardMarkup(inline_keyboard=full))
    with pytest.raises(TelegramBadRequest, match="reply markup is too long"):
        await bot.send_message(
            MIA, "x", reply_markup=types.InlineKeyboardMarkup(inline_keyboard=[*full, [button]])
        )


async def test_data_of_64_bytes_and_text_at_the_limits_pass(bot: Bot, telegram: Telegram) -> None:
    markup = rows({"text": "Go", "callback_data": "é" * 32})
    sent = await bot.send_message(
        MIA, f"<b>{'x' * 4096}</b>", parse_mode="HTML", reply_markup=markup
    )
    assert telegram.tap(MIA, sent.message_id, "é" * 32)
    assert (await bot.send_photo(MIA, file(picture()), caption="x" * 1024)).caption


async def test_edits_need_the_bots_own_message_of_that_kind(bot: Bot, telegram: Telegram) -> None:
    theirs = telegram.say(MIA, "mine")
    text = await bot.send_message(MIA, "x")
    photo = await bot.send_photo(MIA, file(picture()))
    for message_id, edit, error in [
        (theirs, bot.edit_message_text, "message can't be edited"),
        (photo.message_id, bot.edit_message_text, "there is no text in the message to edit"),
    ]:
        with pytest.raises(TelegramBadRequest, match=error):
            await edit("y", chat_id=MIA, message_id=message_id)
    with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
        await bot.edit_message_caption(chat_id=MIA, message_id=text.message_id, caption="c")


async def test_an_edit_without_change_is_refused(bot: Bot) -> None:
    button = types.InlineKeyboardButton(text="Go", callback_data="go")
    markup = types.InlineKeyboardMarkup(inline_keyboard=[[button]])
    sent = await bot.send_message(MIA, "<b>x</b>", parse_mode="HTML", reply_markup=markup)
    same: dict[str, Any] = {"chat_id": MIA, "message_id": sent.message_id, "reply_markup": markup}
    text = (
        "Bad Request: message is not modified: specified new message content and reply markup are"
        " exactly the same as a current content and reply markup of the message"
    )
    with pytest.raises(TelegramBadRequest) as refusal:
        await bot.edit_message_text(" <b>x</b>", parse_mode="HTML", **same)
    assert refusal.value.message == text
    with pytest.raises(TelegramBadRequest, match="not modified"):
        await bot.edit_message_reply_markup(**same)
    assert await bot.edit_message_text("x", **same)  # the same text, but not bold any more


async def test_deletes_only_what_is_young_and_in_groups_only_its_own(
    bot: Bot, telegram: Telegram, clock: Clock
) -> None:
    theirs = telegram.say(LEO, "/start", chat_id=TEAM)
    with pytest.raises(TelegramBadRequest, match=r"message can't be deleted$"):
        await bot.delete_message(TEAM, theirs)
    own = await bot.send_message(TEAM, "x")
    clock.seconds += 48 * 3600
    assert await bot.delete_message(TEAM, own.message_id)
    old = await bot.send_message(TEAM, "y")
    clock.seconds += 48 * 3600 + 1
    with pytest.raises(TelegramBadRequest, match="message can't be deleted for everyone"):
        await bot.delete_message(TEAM, old.message_id)


async def test_a_tap_is_answered_once_and_within_150_seconds(
    bot: Bot, telegram: Telegram, clock: Clock
) -> None:
    markup = rows(GO)
    sent = await bot.send_message(MIA, "x", reply_markup=markup)
    query = telegram.tap(MIA, sent.message_id, "go")
    clock.seconds += 150
    assert await bot.answer_callback_query(query)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query)
    late = telegram.tap(MIA, sent.message_id, "go")
    clock.seconds += 151
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(late)


async def test_who_may_not_be_written_to(bot: Bot, telegram: Telegram) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(LEO, "x")  # nobody has heard of Leo yet
    telegram.say(LEO, "/start", chat_id=TEAM)
    with pytest.raises(TelegramForbiddenError, match="can't initiate conversation with a user"):
        await bot.send_message(LEO, "x")
    telegram.block(MIA)
    with pytest.raises(TelegramForbiddenError, match="Forbidden: bot was blocked by the user"):
        await bot.send_chat_action(MIA, "typing")
    telegram.unblock(MIA)
    assert await bot.send_message(MIA, "x")


async def test_a_file_of_another_kind_can_not_be_sent_again(bot: Bot) -> None:
    sent = await bot.send_document(MIA, file(b"x"))
    assert sent.document
    with pytest.raises(TelegramBadRequest, match="can't use file of type Document as Photo"):
        await bot.send_photo(MIA, sent.document.file_id)


async def test_wrong_tokens_and_methods(origin: str, bot: Bot, telegram: Telegram) -> None:
    with pytest.raises(TelegramUnauthorizedError, match=r"Unauthorized$"):
        await Bot("42:OTHER", session=bot.session).get_me()
    telegram.fail("getMe", code=404, description="Not Found")
    with pytest.raises(TelegramNotFound):
        await bot.get_me()
    with pytest.raises(TelegramAPIError, match="Not Found: method not found"):
        await bot.log_out()


async def test_broken_markup_is_refused(origin: str, http: aiohttp.ClientSession) -> None:
    for value in ("{", "[" * 5000, "NaN", '"\\ud83d"', json.dumps([1])):
        fields = {"chat_id": str(MIA), "text": "x", "reply_markup": value}
        answer = await http.post(f"{origin}/bot42:TEST/sendMessage", data=fields)
        assert answer.status == 400
        assert (await answer.json())["description"].startswith("Bad Request: ")
