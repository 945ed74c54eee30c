"""python-telegram-bot, the product's client: it reads the answers, maps the refusals, and polls."""

from __future__ import annotations

import pytest
import telegram as ptb
from telegram.ext import Application, CallbackQueryHandler, ContextTypes, MessageHandler, filters

from sandbox.telegram import Telegram
from tests.sandbox.telegram.conftest import MIA, TOKEN, picture, until

KEYBOARD = ptb.InlineKeyboardMarkup.from_button(ptb.InlineKeyboardButton("Go", callback_data="go"))


async def test_reads_the_answers(ptb_bot: ptb.Bot, telegram: Telegram) -> None:
    bot = ptb_bot
    assert bot.username == "reelay_sandbox_bot"  # read by its own getMe
    sent = await bot.send_message(MIA, "<b>x</b>", parse_mode="HTML", reply_markup=KEYBOARD)
    assert sent.text_html == "<b>x</b>"
    edited = await bot.edit_message_text("y", MIA, sent.message_id, reply_markup=KEYBOARD)
    assert isinstance(edited, ptb.Message)
    assert edited.reply_markup == KEYBOARD
    photo = await bot.send_photo(MIA, picture(), caption="c")
    assert photo.photo[-1].height == 200
    document = await bot.send_document(MIA, b"a,b", filename="x.csv")
    assert document.document
    file = await bot.get_file(document.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"a,b"
    album = await bot.send_media_group(
        MIA, [ptb.InputMediaPhoto(picture()), ptb.InputMediaPhoto(photo.photo[-1].file_id)]
    )
    assert album[0].media_group_id == album[1].media_group_id
    assert await bot.set_my_commands([("start", "Menu")], scope=ptb.BotCommandScopeChat(MIA))
    assert await bot.delete_messages(MIA, [message.message_id for message in album])
    telegram.tap(MIA, sent.message_id, "go")
    telegram.block(MIA)
    tap, left = await bot.get_updates(timeout=0)
    assert tap.callback_query
    assert await tap.callback_query.answer("ok")
    assert left.my_chat_member
    assert left.my_chat_member.new_chat_member.status == ptb.ChatMember.BANNED


async def test_maps_the_refusals(ptb_bot: ptb.Bot, telegram: Telegram) -> None:
    sent = await ptb_bot.send_message(MIA, "x", reply_markup=KEYBOARD)
    with pytest.raises(ptb.error.BadRequest, match="Message is not modified"):
        await ptb_bot.edit_message_text("x", MIA, sent.message_id, reply_markup=KEYBOARD)
    telegram.fail("sendMessage", code=429, description="Too Many Requests", retry_after=5)
    with pytest.raises(ptb.error.RetryAfter):
        await ptb_bot.send_message(MIA, "x")
    telegram.fail("*", code=502, description="Bad Gateway")
    with pytest.raises(ptb.error.NetworkError):
        await ptb_bot.send_message(MIA, "x")
    telegram.block(MIA)
    with pytest.raises(ptb.error.Forbidden, match="bot was blocked by the user"):
        await ptb_bot.send_message(MIA, "x")


async def greet(update: ptb.Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message
    await update.message.reply_text("<b>Hi</b>", parse_mode="HTML", reply_markup=KEYBOARD)


async def go(update: ptb.Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.callback_query
    await update.callback_query.answer("Going")
    await update.callback_query.edit_message_text("Gone")


async def test_a_polling_application(origin: str, telegram: Telegram) -> None:
    telegram.updates.same_offset_hold = 0.0  # else its stop takes three seconds, as in real life
    builder = Application.builder().token(TOKEN).job_queue(None)
    app = builder.base_url(f"{origin}/bot").base_file_url(f"{origin}/file/bot").build()
    app.add_handler(MessageHandler(filters.TEXT, greet))
    app.add_handler(CallbackQueryHandler(go))
    async with app:
        await app.start()
        assert app.updater
        await app.updater.start_polling(drop_pending_updates=False)
        telegram.say(MIA, "/start")
        await until(lambda: telegram.history(MIA)[-1]["text"] == "Hi")
        telegram.tap(MIA, telegram.history(MIA)[-1]["message_id"], "go")
        await until(lambda: telegram.history(MIA)[-1]["text"] == "Gone")
        assert [toast["text"] for toast in telegram.toasts(MIA)] == ["Going"]
        await app.updater.stop()
        await app.stop()
    assert not telegram.updates.pending  # the last one was confirmed on the way out
    assert all(call.error is None for call in telegram.calls)
