"""The HTTP side: ways to pass arguments, broken requests, files, faults, flood answers."""

from __future__ import annotations

import aiohttp
import pytest
from aiogram import Bot, types
from aiogram.exceptions import TelegramEntityTooLarge, TelegramNetworkError

from sandbox.telegram import Telegram, serve
from sandbox.telegram.api import METHODS
from tests.sandbox.telegram.conftest import MIA, TEAM, TOKEN, Clock

MEBIBYTE = 2**20


async def test_arguments_come_in_four_ways(
    origin: str, http: aiohttp.ClientSession, telegram: Telegram
) -> None:
    url = f"{origin}/bot{TOKEN}/SENDMESSAGE"  # the case does not matter
    fields = {"chat_id": str(MIA), "text": "x"}
    multipart = aiohttp.FormData(fields, default_to_multipart=True)
    for answer in (
        await http.get(url, params=fields),
        await http.post(url, data=fields),
        await http.post(url, json={"chat_id": MIA, "text": "x", "disable_notification": True}),
        await http.post(url, data=multipart),
    ):
        assert (await answer.json())["ok"] is True
    assert [message.get("text") for message in telegram.history(MIA)][1:] == ["x"] * 4
    assert [call.status for call in telegram.calls] == [200] * 4
    assert telegram.calls[0].args == fields


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        (f"/bot{TOKEN}/dance", 404, "Not Found: method not found"),
        ("/bot42:OTHER/getMe", 401, "Unauthorized"),
        ("/botnothing/getMe", 401, "Unauthorized: invalid token specified"),
        ("/elsewhere", 404, "Not Found"),
        (f"/file/bot{TOKEN}/documents/none.txt", 404, "Not Found"),
        ("/file/bot42:OTHER/documents/none.txt", 401, "Unauthorized"),
    ],
)
async def test_wrong_addresses(
    origin: str, http: aiohttp.ClientSession, path: str, status: int, description: str
) -> None:
    answer = await http.get(origin + path)
    assert answer.status == status
    assert await answer.json() == {
        "ok": False,
        "error_code": status,
        "description": description,
    }


JUNK = ("{", "[]", "[1]", "[{}]", '{"type":[]}', "[" * 3000, "NaN", "9" * 5000, '"\\ud83d"', "null")
NAMES = (
    *("reply_markup", "entities", "caption_entities", "reply_parameters", "media", "message_ids"),
    *("reaction", "commands", "scope", "menu_button", "allowed_updates", "message_id", "offset"),
    *("parse_mode", "file_id", "url", "language_code", "text", "caption", "photo", "action"),
)


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"getupdates"}))
async def test_junk_is_refused_and_never_a_crash(
    origin: str, http: aiohttp.ClientSession, method: str
) -> None:
    for junk in JUNK:
        given = {"chat_id": str(MIA), "from_chat_id": str(MIA), **dict.fromkeys(NAMES, junk)}
        answer = await http.post(f"{origin}/bot{TOKEN}/{method}", data=given)
        assert answer.status in (200, 400, 429), await answer.text()
        body = await answer.json()
        assert body["ok"] or body["description"].startswith(("Bad Request: ", "Too Many"))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("application/json", b'{"text": "\xff"}'),
        ("application/json; charset=klingon", b"{}"),
        ("application/json", b'{"chat_id": 7, "text": "\\ud83d"}'),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("application/x-www-form-urlencoded; charset=klingon", b"a=b"),
    ],
)
async def test_broken_bodies_are_refused(
    origin: str, http: aiohttp.ClientSession, kind: str, body: bytes
) -> None:
    url = f"{origin}/bot{TOKEN}/sendMessage"
    answer = await http.post(url, data=body, headers={"Content-Type": kind})
    assert answer.status == 400
    assert (await answer.json())["description"].startswith("Bad Request: ")


async def test_files_above_20_mib_can_be_sent_but_not_fetched(bot: Bot, telegram: Telegram) -> None:
    for size, fetchable in ((20 * MEBIBYTE, True), (20 * MEBIBYTE + 1, False)):
        telegram.send_file(MIA, "big.bin", bytes(size), "application/octet-stream")
        document = telegram.history(MIA)[-1]["document"]
        assert document["file_size"] == size
        if fetchable:
            assert (await bot.get_file(document["file_id"])).file_path
        else:
            with pytest.raises(Exception, match="Bad Request: file is too big"):
                await bot.get_file(document["file_id"])


async def test_uploads_above_50_mib_are_413(bot: Bot, telegram: Telegram) -> None:
    fits = types.BufferedInputFile(bytes(50 * MEBIBYTE), "fits.bin")
    assert (await bot.send_document(MIA, fits)).document
    for size in (50 * MEBIBYTE + 1, 52 * MEBIBYTE):  # the second is over the whole request's limit
        with pytest.raises(TelegramEntityTooLarge, match="Request Entity Too Large"):
            await bot.send_document(MIA, types.BufferedInputFile(bytes(size), "big.bin"))
    assert len(telegram.history(MIA)) == 2


async def test_a_dropped_answer_took_effect(bot: Bot, telegram: Telegram) -> None:
    telegram.drop_answer("sendMessage")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(MIA, "lost?")
    await bot.send_message(MIA, "again")
    assert [m["text"] for m in telegram.history(MIA)] == ["hello", "lost?", "again"]
    assert [call.status for call in telegram.calls] == [0, 200]


async def test_a_failure_has_no_effect_and_ends(
    origin: str, http: aiohttp.ClientSession, telegram: Telegram
) -> None:
    text = "Too Many Requests: retry after 7"
    telegram.fail("sendMessage", code=429, description=text, retry_after=7, times=2)
    url = f"{origin}/bot{TOKEN}/sendMessage"
    fields = {"chat_id": str(MIA), "text": "x"}
    for _ in range(2):
        answer = await http.post(url, data=fields)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert (await answer.json())["parameters"] == {"retry_after": 7}
    assert len(telegram.history(MIA)) == 1
    assert (await http.post(url, data=fields)).status == 200
    assert [call.error for call in telegram.calls] == [text, text, None]


async def test_flood_limits_when_asked_for(http: aiohttp.ClientSession, clock: Clock) -> None:
    telegram = Telegram(TOKEN, now=clock, flood=True)
    telegram.add_person(MIA, "Mia")
    telegram.add_group(TEAM, "Team", [MIA])
    telegram.say(MIA, "hi")
    async with serve(telegram) as origin:
        url = f"{origin}/bot{TOKEN}"

        async def write(chat_id: int, text: str, message_id: int = 0) -> aiohttp.ClientResponse:
            fields = {"chat_id": str(chat_id), "text": text, "message_id": str(message_id)}
            method = "editMessageText" if message_id else "sendMessage"
            return await http.post(f"{url}/{method}", data=fields)

        sent = (await (await write(MIA, "0")).json())["result"]["message_id"]
        for number in range(1, 20):  # edits count like messages
            assert (await write(MIA, str(number), sent)).status == 200
        refused = await write(MIA, "x", sent)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert (await refused.json())["description"] == "Too Many Requests: retry after 1"
        clock.seconds += 1
        assert (await write(MIA, "x", sent)).status == 200
        for number in range(20):
            assert (await write(TEAM, str(number))).status == 200
            clock.seconds += 0.5
        refused = await write(TEAM, "x")
        assert refused.headers["Retry-After"] == "50"
        assert len(telegram.history(TEAM)) == 20


async def test_uploaded_names_and_paths_are_kept_apart(bot: Bot, telegram: Telegram) -> None:
    upload = types.BufferedInputFile(b"x", "../../etc/passwd.tar.gz?#")
    sent = await bot.send_document(MIA, upload)
    assert sent.document
    file = await bot.get_file(sent.document.file_id)
    assert file.file_path
    assert file.file_path.startswith("documents/file_")
    assert ".." not in file.file_path
