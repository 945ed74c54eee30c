"""The chat page's API over real HTTP, with a bot on the other side."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from sandbox.chat import api
from sandbox.telegram import Event, Telegram
from tests.sandbox.chat.conftest import LEO, MIA, Bot, Offers, running
from tests.sandbox.chat.pictures import jpeg

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 10.0
KEYBOARD = {"inline_keyboard": [[{"text": "Pause", "callback_data": "v1:pause"}]]}


async def get(http: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with http.get(url) as response:
        return response.status, await response.json()


async def post(http: aiohttp.ClientSession, url: str, body: Any) -> tuple[int, Any]:
    async with http.post(url, json=body) as response:
        return response.status, await response.json()


async def upload(http: aiohttp.ClientSession, address: str, **fields: Any) -> tuple[int, Any]:
    """`file` is (name, bytes, type); None leaves a field out."""
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in {"user": str(MIA), **fields}.items():
        if name == "file" and value is not None:
            form.add_field(name, value[1], filename=value[0], content_type=value[2])
        elif value is not None:
            form.add_field(name, value)
    async with http.post(f"{address}/api/upload", data=form) as response:
        return response.status, await response.json()


class TestReading:
    async def test_people_come_in_the_order_they_were_added(
        self, http: aiohttp.ClientSession, address: str
    ) -> None:
        assert await get(http, f"{address}/api/people") == (
            200,
            [
                {"id": MIA, "first_name": "Mia", "username": "mia"},
                {"id": LEO, "first_name": "Leo", "username": "leo"},
            ],
        )

    async def test_a_chat_has_its_messages_commands_bot_and_banner(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, bot: Bot
    ) -> None:
        commands = [{"command": "import", "description": "save a collection"}]
        await bot.call("setMyCommands", commands=commands)
        await bot.call("setMyDescription", description="Runs your Instagram.")
        telegram.say(MIA, "hello")
        telegram.say(LEO, "not for Mia")

        _, chat = await get(http, f"{address}/api/chat/{MIA}")

        assert [message["text"] for message in chat["messages"]] == ["hello"]
        assert chat["commands"] == commands
        assert chat["bot"]["username"] == "reelay_sandbox_bot"
        assert chat["bot"]["description"] == "Runs your Instagram."
        assert chat["banner"].startswith("This is the sandbox")

    @pytest.mark.parametrize("room", ["chat", "events"])
    async def test_who_asks_must_be_a_known_person(
        self, http: aiohttp.ClientSession, address: str, room: str
    ) -> None:
        assert (await get(http, f"{address}/api/{room}/mia"))[0] == 400
        assert (await get(http, f"{address}/api/{room}/777"))[0] == 404

    async def test_the_page_allows_itself_nothing_from_elsewhere(
        self, http: aiohttp.ClientSession, address: str
    ) -> None:
        for path in ("/", "/page/chat.js", "/page/chat.css", "/api/people"):
            async with http.get(address + path) as response:
                policy = response.headers["Content-Security-Policy"]
                assert response.status == 200
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert response.headers["X-Content-Type-Options"] == "nosniff"


class TestSayingAndTapping:
    async def test_what_a_person_says_reaches_the_bot(
        self, http: aiohttp.ClientSession, address: str, bot: Bot
    ) -> None:
        status, answer = await post(http, f"{address}/api/say", {"user": LEO, "text": "/start x"})
        message = (await bot.next_update())["message"]
        assert status == 200
        assert (message["message_id"], message["text"], message["from"]["id"]) == (
            answer["message_id"],
            "/start x",
            LEO,
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not json",
            b"[]",
            b'{"user": 1001}',
            b'{"user": "1001", "text": "a number as text"}',
            b'{"user": true, "text": "no number"}',
            b'{"user": 1001, "text": 7}',
            b'{"user": 1001, "text": " \\n "}',
            b'{"user": 1001, "text": "\\ud83d"}',
            b'{"user": 1001, "text": "x", "more": 1}',
            json.dumps({"user": MIA, "text": "x" * 4097}).encode(),
            json.dumps({"user": MIA, "text": "😀" * 2049}).encode(),
        ],
    )
    async def test_malformed_words_are_refused(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, body: bytes
    ) -> None:
        async with http.post(f"{address}/api/say", data=body) as response:
            assert response.status == 400
            assert (await response.json())["error"]
        assert telegram.history(MIA) == []

    async def test_the_longest_text_is_4096_utf16_units(
        self, http: aiohttp.ClientSession, address: str
    ) -> None:
        body = {"user": MIA, "text": "😀" * 2048}
        assert (await post(http, f"{address}/api/say", body))[0] == 200

    async def test_what_telegram_refuses_is_said(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram
    ) -> None:
        telegram.block(MIA)
        body = {"user": MIA, "text": "hello"}
        assert await post(http, f"{address}/api/say", body) == (
            400,
            {"error": "Mia has blocked the bot"},
        )

    async def test_a_tap_reaches_the_bot_under_the_id_that_is_answered(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, bot: Bot
    ) -> None:
        telegram.say(MIA, "/start")
        await bot.next_update()
        message_id = await bot.send("Importing", reply_markup=KEYBOARD)
        body = {"user": MIA, "message_id": message_id, "data": "v1:pause"}

        status, answer = await post(http, f"{address}/api/tap", body)

        query = (await bot.next_update())["callback_query"]
        assert (status, query["id"], query["data"]) == (200, answer["query_id"], "v1:pause")

    async def test_a_button_that_is_gone_cannot_be_tapped(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, bot: Bot
    ) -> None:
        telegram.say(MIA, "/start")
        message_id = await bot.send("Importing", reply_markup=KEYBOARD)
        for body in (
            {"user": MIA, "message_id": message_id, "data": "v1:cancel"},
            {"user": MIA, "message_id": message_id + 1, "data": "v1:pause"},
            {"user": LEO, "message_id": message_id, "data": "v1:pause"},
        ):
            assert (await post(http, f"{address}/api/tap", body))[0] == 404

    async def test_another_sites_page_cannot_speak_for_the_visitor(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram
    ) -> None:
        body = {"user": MIA, "text": "hello"}
        say = f"{address}/api/say"
        async with http.post(say, json=body, headers={"Origin": "https://evil.example"}) as foreign:
            assert foreign.status == 403
        assert telegram.history(MIA) == []
        async with http.post(say, json=body, headers={"Origin": address}) as own:
            assert own.status == 200


class TestFiles:
    async def test_an_upload_comes_back_byte_for_byte_as_a_download(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram
    ) -> None:
        data = b"<script>alert(1)</script>"
        file = ("C:/fake/cookies ü.html", data, "text/html; charset=utf-8")
        status, _ = await upload(http, address, file=file, caption="here")
        (message,) = telegram.history(MIA)
        async with http.get(f"{address}/api/file/{message['document']['file_id']}") as response:
            body = await response.read()

        assert (status, message["caption"], body) == (200, "here", data)
        assert message["document"]["mime_type"] == "text/html"
        # Never shown as a page of this origin, whatever it is called.
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        assert response.headers["Content-Disposition"].endswith("cookies%20%C3%BC.html")

    async def test_what_is_sent_at_once_is_an_album(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram
    ) -> None:
        for name in ("a.txt", "b.txt"):
            await upload(http, address, file=(name, b"x", "text/plain"), album="17")
        await upload(http, address, file=("c.txt", b"x", "text/plain"), album="")
        albums = [message.get("media_group_id") for message in telegram.history(MIA)]
        assert albums == ["17", "17", None]

    async def test_a_photo_is_shown_in_the_page(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram
    ) -> None:
        file = ("morning.jpg", jpeg(), "image/jpeg")
        status, _ = await upload(http, address, file=file, as_photo="true")
        (message,) = telegram.history(MIA)
        biggest = message["photo"][-1]
        async with http.get(f"{address}/api/file/{biggest['file_id']}") as response:
            assert (status, await response.read()) == (200, file[1])
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Content-Disposition"].startswith("inline")

    @pytest.mark.parametrize(
        "fields",
        [
            {"file": None},
            {"file": ("a.txt", b"", "text/plain")},
            {"file": ("a.txt", b"x", "text/plain"), "user": None},
            {"file": ("a.txt", b"x", "text/plain"), "user": "mia"},
            {"file": ("a.txt", b"x", "text/plain"), "caption": "x" * 1025},
            {"file": ("a.txt", b"x", "text/plain"), "as_photo": "maybe"},
            {"file": ("a.txt", b"x", "text/plain"), "album": "one"},
            {"file": ("a.txt", b"x", "text/plain"), "as_photo": "true"},
            {"file": ("a.jpg", b"no picture", "image/jpeg"), "as_photo": "true"},
        ],
    )
    async def test_malformed_uploads_are_refused(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, fields: dict[str, Any]
    ) -> None:
        status, answer = await upload(http, address, **fields)
        assert status == 400
        assert answer["error"]
        assert telegram.history(MIA) == []

    @pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x"])
    async def test_a_body_that_is_no_form_is_refused(
        self, http: aiohttp.ClientSession, address: str, kind: str
    ) -> None:
        headers = {"Content-Type": kind}
        upload_address = f"{address}/api/upload"
        async with http.post(upload_address, data=b"\xff--x", headers=headers) as response:
            assert response.status == 400

    async def test_an_upload_over_the_limit_is_refused(
        self,
        http: aiohttp.ClientSession,
        telegram: Telegram,
        offers: Offers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(api, "UPLOAD_LIMIT", 1000)
        async with running(telegram, offers) as address:
            file = ("a.bin", bytes(1000), "application/zip")
            assert (await upload(http, address, file=file))[0] == 200
            file = ("a.bin", bytes(1001), "application/zip")
            assert (await upload(http, address, file=file))[0] == 400
            file = ("a.bin", bytes(1000 + 2**17), "application/zip")
            assert (await upload(http, address, file=file))[0] == 413

    @pytest.mark.parametrize(
        ("asked", "status", "body"),
        [
            ("bytes=2-4", 206, b"234"),
            ("bytes=7-", 206, b"789"),
            ("bytes=-2", 206, b"89"),
            ("bytes=0-99", 206, b"0123456789"),
        ],
    )
    async def test_a_player_can_ask_for_a_part(
        self,
        http: aiohttp.ClientSession,
        address: str,
        telegram: Telegram,
        asked: str,
        status: int,
        body: bytes,
    ) -> None:
        telegram.send_file(MIA, "a.bin", b"0123456789", "application/zip")
        file_id = telegram.history(MIA)[0]["document"]["file_id"]
        url = f"{address}/api/file/{file_id}"
        async with http.get(url, headers={"Range": asked}) as response:
            assert (response.status, await response.read()) == (status, body)
            assert response.headers["Content-Range"].endswith("/10")

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=x", "bytes=5-3"])
    async def test_a_part_that_is_not_there_is_416(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, asked: str
    ) -> None:
        telegram.send_file(MIA, "a.bin", b"0123456789", "application/zip")
        file_id = telegram.history(MIA)[0]["document"]["file_id"]
        url = f"{address}/api/file/{file_id}"
        async with http.get(url, headers={"Range": asked}) as response:
            assert response.status == 416

    async def test_an_unknown_file_is_404(self, http: aiohttp.ClientSession, address: str) -> None:
        assert (await get(http, f"{address}/api/file/AgAC0000"))[0] == 404


class TestExtras:
    async def test_a_sample_is_sent_as_a_file(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram
    ) -> None:
        _, (sample,) = await get(http, f"{address}/api/samples")
        assert sample.keys() == {"name", "label", "description"}  # not the bytes
        body = {"user": MIA, "name": sample["name"]}
        status, _ = await post(http, f"{address}/api/send-sample", body)
        (message,) = telegram.history(MIA)
        assert (status, message["document"]["file_name"]) == (200, "cookies.txt")

    async def test_links_are_listed(self, http: aiohttp.ClientSession, address: str) -> None:
        _, (link,) = await get(http, f"{address}/api/links")
        assert link == {
            "url": "https://www.instagram.com/mia/saved/ideas/179/",
            "label": "Reels ideas",
        }

    async def test_notes_are_listed(self, http: aiohttp.ClientSession, address: str) -> None:
        _, notes = await get(http, f"{address}/api/notes")
        assert notes == [{"name": "code-leo", "label": "Code of @leo", "text": "123456"}]

    async def test_pages_are_listed(self, http: aiohttp.ClientSession, address: str) -> None:
        _, pages = await get(http, f"{address}/api/pages")
        assert pages == [{"url": "http://127.0.0.1:9/live", "label": "What is live"}]

    async def test_a_bad_day_is_switched(
        self, http: aiohttp.ClientSession, address: str, offers: Offers
    ) -> None:
        body = {"name": "cookies-die", "on": True}
        _, days = await post(http, f"{address}/api/bad-days", body)
        assert [(day["name"], day["on"]) for day in days] == [
            ("rate-limit", False),
            ("cookies-die", True),
        ]
        assert offers.days[1].on
        assert await get(http, f"{address}/api/bad-days") == (200, days)

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("bad-days", {"name": "rain", "on": True}, 404),
            ("bad-days", {"name": "rate-limit", "on": "yes"}, 400),
            ("send-sample", {"user": MIA, "name": "rain"}, 404),
            ("send-sample", {"user": 777, "name": "good-cookies"}, 404),
            ("send-sample", {"user": MIA}, 400),
        ],
    )
    async def test_unknown_names_are_refused(
        self, http: aiohttp.ClientSession, address: str, path: str, body: Any, status: int
    ) -> None:
        assert (await post(http, f"{address}/api/{path}", body))[0] == status


class TestEvents:
    async def test_a_stream_tells_what_happens_in_its_chat_only(
        self, http: aiohttp.ClientSession, address: str, telegram: Telegram, bot: Bot
    ) -> None:
        async with asyncio.timeout(PATIENCE), http.get(f"{address}/api/events/{MIA}") as stream:
            assert stream.content_type == "text/event-stream"
            telegram.say(LEO, "not for Mia")
            telegram.say(MIA, "/start")
            message_id = await bot.send("Working", disable_notification=True)
            await bot.call("deleteMessage", chat_id=MIA, message_id=message_id)
            events = [await next_event(stream) for _ in range(3)]
        assert [(event["kind"], event["payload"].get("text")) for event in events] == [
            ("message", "/start"),
            ("message", "Working"),
            ("delete", None),
        ]
        assert events[1]["payload"]["silent"] is True

    async def test_a_quiet_stream_says_that_it_lives(
        self, http: aiohttp.ClientSession, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api, "HEARTBEAT_SECONDS", 0.01)
        async with asyncio.timeout(PATIENCE), http.get(f"{address}/api/events/{MIA}") as stream:
            assert await stream.content.readline() == b": still here\n"

    async def test_the_page_stops_at_once_with_streams_open(
        self,
        http: aiohttp.ClientSession,
        telegram: Telegram,
        offers: Offers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        forgotten: list[asyncio.Queue[Event]] = []
        monkeypatch.setattr(telegram, "unsubscribe", forgotten.append)
        async with asyncio.timeout(PATIENCE):  # aiohttp alone would wait a minute
            async with running(telegram, offers) as address:
                stream = await http.get(f"{address}/api/events/{MIA}")
            assert await stream.content.read() == b""
        assert len(forgotten) == 1

    async def test_a_reader_that_went_away_is_forgotten(
        self,
        http: aiohttp.ClientSession,
        address: str,
        telegram: Telegram,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(api, "HEARTBEAT_SECONDS", 0.01)
        gone = asyncio.Event()
        monkeypatch.setattr(telegram, "unsubscribe", lambda _queue: gone.set())
        stream = await http.get(f"{address}/api/events/{MIA}")
        stream.close()
        async with asyncio.timeout(PATIENCE):
            await gone.wait()


async def next_event(stream: aiohttp.ClientResponse) -> Any:
    while True:
        line = await stream.content.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
