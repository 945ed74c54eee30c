"""aiogram, a client that the product does not use, reads the answer of every served method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiogram import Bot, types

from sandbox.telegram import Telegram
from sandbox.telegram.api import METHODS
from tests.sandbox.telegram.conftest import MIA, film, picture

KEYBOARD = types.InlineKeyboardMarkup(
    inline_keyboard=[[types.InlineKeyboardButton(text="Go", callback_data="go")]]
)


@dataclass
class Scene:
    """A message with a button, a photo of the bot, and a tap that waits."""

    telegram: Telegram
    text_id: int
    photo_id: int
    photo_file: str
    query_id: str


@pytest.fixture
async def scene(telegram: Telegram, bot: Bot) -> Scene:
    text = await bot.send_message(MIA, "<b>x</b>", parse_mode="HTML", reply_markup=KEYBOARD)
    photo = await bot.send_photo(MIA, buffered(picture(), "p.png"))
    assert photo.photo
    query_id = telegram.tap(MIA, text.message_id, "go")
    file_id = photo.photo[-1].file_id
    return Scene(telegram, text.message_id, photo.message_id, file_id, query_id)


def buffered(data: bytes, name: str) -> types.BufferedInputFile:
    return types.BufferedInputFile(data, name)


AiogramCheck = Callable[[Bot, Scene], Awaitable[object]]
AIOGRAM: dict[str, AiogramCheck] = {}


def aiogram_reads(check: AiogramCheck) -> AiogramCheck:
    """Registers the check of the method that the function is named after."""
    AIOGRAM[check.__name__.replace("_", "")] = check
    return check


@aiogram_reads
async def get_me(bot: Bot, scene: Scene) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot, me.username) == (42, True, "reelay_sandbox_bot")
    assert (me.can_join_groups, me.can_read_all_group_messages) == (True, False)


@aiogram_reads
async def get_updates(bot: Bot, scene: Scene) -> None:
    telegram = scene.telegram
    said = telegram.say(MIA, "/start x")
    telegram.send_file(MIA, "c.txt", b"abc", "text/plain", caption="mine")
    telegram.send_file(MIA, "p.png", picture(), "image/png", as_photo=True)
    telegram.send_file(MIA, "f.mp4", film(), "video/mp4")
    telegram.send_file(MIA, "a.mp3", b"not music", "audio/mpeg")
    telegram.edit_own(MIA, said, "/start y")
    telegram.block(MIA)
    updates = await bot.get_updates()
    assert [update.event_type for update in updates] == [
        *("callback_query", "message", "message", "message", "message", "message"),
        *("edited_message", "my_chat_member"),
    ]
    tap, text, document, photo, video, audio, edited, left = updates
    assert tap.callback_query
    assert tap.callback_query.data == "go"
    assert isinstance(tap.callback_query.message, types.Message)
    assert text.message
    assert text.message.entities
    assert text.message.entities[0].length == 6
    assert text.message.from_user
    assert text.message.from_user.username == "mia"
    assert document.message
    assert document.message.document
    assert document.message.caption == "mine"
    assert document.message.document.mime_type == "text/plain"
    assert photo.message
    assert photo.message.photo
    assert photo.message.photo[-1].width == 320
    assert video.message
    assert video.message.video
    assert video.message.video.duration == 2
    assert audio.message
    assert audio.message.audio
    assert audio.message.audio.duration == 0
    assert edited.edited_message
    assert edited.edited_message.text == "/start y"
    assert edited.edited_message.edit_date
    assert left.my_chat_member
    assert left.my_chat_member.new_chat_member.status == "kicked"


@aiogram_reads
async def set_webhook(bot: Bot, scene: Scene) -> None:
    scene.telegram.updates.pending.clear()
    assert await bot.set_webhook("https://bot.example.org/telegram", secret_token="s-1")


@aiogram_reads
async def delete_webhook(bot: Bot, scene: Scene) -> None:
    assert await bot.delete_webhook(drop_pending_updates=True)
    assert not scene.telegram.updates.pending


@aiogram_reads
async def get_webhook_info(bot: Bot, scene: Scene) -> None:
    info = await bot.get_webhook_info()
    assert (info.url, info.has_custom_certificate, info.pending_update_count) == ("", False, 1)


@aiogram_reads
async def send_message(bot: Bot, scene: Scene) -> None:
    sent = await bot.send_message(
        MIA,
        "<b>bold</b> x",
        parse_mode="HTML",
        reply_markup=KEYBOARD,
        reply_parameters=types.ReplyParameters(message_id=scene.text_id),
    )
    assert sent.text == "bold x"
    assert sent.entities
    assert [(e.type, e.offset, e.length) for e in sent.entities] == [("bold", 0, 4)]
    assert sent.reply_markup
    assert sent.reply_markup.model_dump() == KEYBOARD.model_dump()
    assert sent.reply_to_message
    assert sent.reply_to_message.message_id == scene.text_id
    assert sent.chat.type == "private"
    assert sent.date.timestamp() == scene.telegram.now()


@aiogram_reads
async def edit_message_text(bot: Bot, scene: Scene) -> None:
    edited = await bot.edit_message_text("y", chat_id=MIA, message_id=scene.text_id)
    assert isinstance(edited, types.Message)
    assert (edited.text, edited.reply_markup) == ("y", None)  # no markup given: it goes
    assert edited.edit_date


@aiogram_reads
async def edit_message_caption(bot: Bot, scene: Scene) -> None:
    edited = await bot.edit_message_caption(
        chat_id=MIA, message_id=scene.photo_id, caption="<i>new</i>", parse_mode="HTML"
    )
    assert isinstance(edited, types.Message)
    assert edited.caption == "new"
    assert edited.photo
    assert edited.caption_entities


@aiogram_reads
async def edit_message_reply_markup(bot: Bot, scene: Scene) -> None:
    edited = await bot.edit_message_reply_markup(chat_id=MIA, message_id=scene.text_id)
    assert isinstance(edited, types.Message)
    assert (edited.text, edited.reply_markup, edited.edit_date) == ("x", None, None)


@aiogram_reads
async def edit_message_media(bot: Bot, scene: Scene) -> None:
    media = types.InputMediaDocument(media=buffered(b"a,b", "x.csv"), caption="table")
    edited = await bot.edit_message_media(media, chat_id=MIA, message_id=scene.photo_id)
    assert isinstance(edited, types.Message)
    assert edited.document
    assert (edited.document.file_name, edited.photo) == ("x.csv", None)
    changed = await bot.edit_message_media(media, chat_id=MIA, message_id=scene.text_id)
    assert isinstance(changed, types.Message)
    assert (changed.text, changed.caption) == (None, "table")


@aiogram_reads
async def delete_message(bot: Bot, scene: Scene) -> None:
    written = scene.telegram.say(MIA, "my secret")  # a bot may delete it in private
    assert await bot.delete_message(MIA, written)
    assert written not in [m["message_id"] for m in scene.telegram.history(MIA)]


@aiogram_reads
async def delete_messages(bot: Bot, scene: Scene) -> None:
    assert await bot.delete_messages(MIA, [scene.text_id, 1, scene.photo_id])
    assert [m["text"] for m in scene.telegram.history(MIA)] == ["hello"]


@aiogram_reads
async def answer_callback_query(bot: Bot, scene: Scene) -> None:
    assert await bot.answer_callback_query(scene.query_id, text="Done", show_alert=True)
    assert scene.telegram.toasts(MIA) == [
        {"query_id": scene.query_id, "text": "Done", "show_alert": True}
    ]


@aiogram_reads
async def send_photo(bot: Bot, scene: Scene) -> None:
    sent = await bot.send_photo(MIA, buffered(picture(640, 400), "p.png"), caption="c")
    assert sent.photo
    assert [(s.width, s.height) for s in sent.photo] == [(90, 56), (640, 400)]
    again = await bot.send_photo(MIA, sent.photo[-1].file_id)
    assert again.photo == sent.photo


@aiogram_reads
async def send_video(bot: Bot, scene: Scene) -> None:
    sent = await bot.send_video(MIA, buffered(film(), "f.mp4"))
    assert sent.video
    assert (sent.video.width, sent.video.height, sent.video.duration) == (64, 48, 2)
    broken = await bot.send_video(MIA, buffered(b"no film", "f.mp4"))
    assert broken.video
    assert (broken.video.width, broken.video.duration) == (0, 0)


@aiogram_reads
async def send_document(bot: Bot, scene: Scene) -> None:
    sent = await bot.send_document(MIA, buffered(b"a,b", "export.csv"), caption="c")
    assert sent.document
    assert (sent.document.file_name, sent.document.file_size) == ("export.csv", 3)
    assert sent.document.mime_type == "text/csv"


@aiogram_reads
async def send_audio(bot: Bot, scene: Scene) -> None:
    sent = await bot.send_audio(MIA, buffered(b"x", "a.mp3"), title="Song", performer="Zoe")
    assert sent.audio
    assert (sent.audio.title, sent.audio.performer) == ("Song", "Zoe")


@aiogram_reads
async def send_media_group(bot: Bot, scene: Scene) -> None:
    first = types.InputMediaPhoto(
        media=buffered(picture(), "1.png"), caption="<b>c</b>", parse_mode="HTML"
    )
    second = types.InputMediaVideo(media=buffered(film(), "2.mp4"))
    third = types.InputMediaPhoto(media=scene.photo_file)
    sent = await bot.send_media_group(MIA, [first, second, third])
    assert len({message.media_group_id for message in sent}) == 1
    assert sent[0].media_group_id
    assert [message.content_type for message in sent] == ["photo", "video", "photo"]
    assert sent[0].caption == "c"


@aiogram_reads
async def send_chat_action(bot: Bot, scene: Scene) -> None:
    assert await bot.send_chat_action(MIA, "upload_photo")


@aiogram_reads
async def get_file(bot: Bot, scene: Scene) -> None:
    file = await bot.get_file(scene.photo_file)
    assert file.file_size == len(picture())
    content = await bot.download(scene.photo_file)
    assert content
    assert content.read() == picture()


SCOPE = types.BotCommandScopeChat(chat_id=MIA)
COMMANDS = [types.BotCommand(command="start", description="Open the menu")]


@aiogram_reads
async def set_my_commands(bot: Bot, scene: Scene) -> None:
    assert await bot.set_my_commands(COMMANDS, scope=SCOPE)
    assert scene.telegram.commands_for(MIA) == [
        {"command": "start", "description": "Open the menu"}
    ]


@aiogram_reads
async def get_my_commands(bot: Bot, scene: Scene) -> None:
    await bot.set_my_commands(COMMANDS, scope=SCOPE, language_code="de")
    assert await bot.get_my_commands() == []
    german = await bot.get_my_commands(scope=SCOPE, language_code="de")
    assert [command.model_dump() for command in german] == [COMMANDS[0].model_dump()]


@aiogram_reads
async def delete_my_commands(bot: Bot, scene: Scene) -> None:
    await bot.set_my_commands(COMMANDS)
    assert await bot.delete_my_commands()
    assert await bot.get_my_commands() == []


@aiogram_reads
async def set_my_name(bot: Bot, scene: Scene) -> None:
    assert await bot.set_my_name("Sandbox")
    assert (await bot.get_me()).first_name == "Sandbox"


@aiogram_reads
async def get_my_name(bot: Bot, scene: Scene) -> None:
    assert (await bot.get_my_name()).name == "Reelay"


@aiogram_reads
async def set_my_description(bot: Bot, scene: Scene) -> None:
    assert await bot.set_my_description("What I do", language_code="en")


@aiogram_reads
async def get_my_description(bot: Bot, scene: Scene) -> None:
    await bot.set_my_description("All")
    await bot.set_my_description("Deutsch", language_code="de")
    assert (await bot.get_my_description(language_code="de")).description == "Deutsch"
    assert (await bot.get_my_description(language_code="fr")).description == "All"


@aiogram_reads
async def set_my_short_description(bot: Bot, scene: Scene) -> None:
    assert await bot.set_my_short_description("Short")


@aiogram_reads
async def get_my_short_description(bot: Bot, scene: Scene) -> None:
    await bot.set_my_short_description("Short")
    assert (await bot.get_my_short_description()).short_description == "Short"


@aiogram_reads
async def set_chat_menu_button(bot: Bot, scene: Scene) -> None:
    assert await bot.set_chat_menu_button(menu_button=types.MenuButtonCommands())


@aiogram_reads
async def get_chat_menu_button(bot: Bot, scene: Scene) -> None:
    await bot.set_chat_menu_button(chat_id=MIA, menu_button=types.MenuButtonDefault())
    assert (await bot.get_chat_menu_button(chat_id=MIA)).type == "default"


@aiogram_reads
async def pin_chat_message(bot: Bot, scene: Scene) -> None:
    assert await bot.pin_chat_message(MIA, scene.text_id)
    service = types.Message.model_validate(scene.telegram.history(MIA)[-1])
    assert service.pinned_message
    assert service.pinned_message.message_id == scene.text_id


@aiogram_reads
async def set_message_reaction(bot: Bot, scene: Scene) -> None:
    reaction = types.ReactionTypeEmoji(emoji="👍")
    assert await bot.set_message_reaction(MIA, scene.text_id, [reaction])
    assert scene.telegram.reactions[MIA, scene.text_id] == [{"type": "emoji", "emoji": "👍"}]


@aiogram_reads
async def copy_message(bot: Bot, scene: Scene) -> None:
    copied = await bot.copy_message(MIA, MIA, scene.photo_id, caption="again")
    last = scene.telegram.history(MIA)[-1]
    assert (last["message_id"], last["caption"]) == (copied.message_id, "again")
    assert last["photo"][-1]["file_id"] == scene.photo_file


def test_no_method_is_left_out() -> None:
    assert AIOGRAM.keys() == METHODS.keys()


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_aiogram_reads_the_answer(method: str, bot: Bot, scene: Scene) -> None:
    await AIOGRAM[method](bot, scene)
