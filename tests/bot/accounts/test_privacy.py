"""/privacy in the chat: everything as a zip, everything deleted after a day, and the way back."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import httpx
import pytest

from bot.accounts.privacy import export_ready
from sandbox.world import World
from services.accounts import privacy
from storage import exports
from storage.tables import metadata
from tests.bot.seeds import seed_import, state_of
from tests.support.harness import Harness, PumpedVisitor


async def asked_to_delete(mia: PumpedVisitor) -> None:
    mia.say("/privacy")
    await mia.tap("Delete everything…")
    await mia.sees("Type DELETE to go on")


async def dump(harness: Harness, *, without: tuple[str, ...] = ()) -> str:
    async with harness.app.database.read() as db:
        tables = [
            (name, [tuple(row) for row in await db.execute(table.select())])
            for name, table in metadata.tables.items()
            if name not in without
        ]
    return str(tables)


async def test_the_export_holds_everything_but_secrets(harness: Harness) -> None:
    mia = await harness.connected()
    reel = harness.sandbox.world.collection("mia", "beats").posts[0]
    mia.say(reel.url)
    await mia.sees("✅ Done")
    mia.say("/privacy")
    await mia.sees("1 post with .* MB of media")
    await mia.tap("Export everything")
    await mia.toast("it arrives here")
    await mia.sees("Here is everything I have of you")
    packed = zipfile.ZipFile(io.BytesIO(await mia.receives(".zip")))
    names = packed.namelist()
    assert {"data.json", "raw.json"} < set(names)
    rows = json.loads(packed.read("data.json"))
    assert rows["users"][0]["name"] == "Mia"
    assert rows["connections"][0]["username"] == "mia"
    assert [row["kind"] for row in rows["credit_entries"]] == ["grant", "charge"]
    assert rows["posts"][0]["shortcode"] == reel.code
    assert json.loads(packed.read("raw.json"))[reel.code]["code"] == reel.code
    media = [name for name in names if name.startswith("media/")]
    assert len(media) == len(rows["media"]) >= 1
    everything = b"".join(packed.read(name) for name in names)
    for secret in (harness.sandbox.world.session_id("mia"), "sessionid"):
        assert secret.encode() not in everything


async def test_what_is_too_large_for_the_chat_comes_by_a_link(
    tmp_path: Path, templates: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "CHAT_BYTES", 0)
    async with Harness(
        tmp_path / "data", world, templates=templates, PUBLIC_URL="https://reelay.example/"
    ) as harness:
        mia = await harness.owner()
        mia.say("/privacy")
        await mia.tap("Export everything")
        said = await mia.sees("reelay-1.zip is too large for Telegram. Download it within a day")
        (path,) = re.findall(r"https://reelay\.example(/downloads/\S+)", said["text"])
        assert not any("document" in message for message in mia.messages())
        async with httpx.AsyncClient(trust_env=False) as http:
            url = f"http://127.0.0.1:{harness.app.web_port}{path}"
            assert (await http.get(url)).content.startswith(b"PK")
            harness.clock.advance(hours=24)
            assert (await http.get(url)).status_code == 404


def test_without_an_address_for_links_the_export_says_so() -> None:
    text = export_ready(2, {"exports/1/reelay-2.zip": None}).text
    assert "in 2 parts" in text
    assert "reelay-2.zip is too large for Telegram. Whoever runs this bot has to set" in text


async def test_one_export_at_a_time(harness: Harness) -> None:
    mia = await harness.owner()
    async with harness.app.database.write() as db:
        await exports.start(db, mia.user_id, harness.clock())
    mia.say("/privacy")
    await mia.tap("Export everything")
    answer = await mia.sees("Your export is being built already")
    assert "It arrives here by itself" in answer["text"]


@pytest.mark.parametrize("typed", ["delete", "DELETE!", "yes", "DELETE everything"])
async def test_only_the_word_itself_deletes(harness: Harness, typed: str) -> None:
    mia = await harness.owner()
    await asked_to_delete(mia)
    mia.say(typed)
    await mia.sees("Nothing was deleted. Type DELETE in capital letters")
    await mia.tap("Keep everything")
    await mia.sees("Kept. Nothing was deleted.")
    mia.say("DELETE")  # too late: the question is over
    await mia.sees("I see no link in that")
    (user,) = await harness.app.people.everyone()
    assert user.delete_after is None


async def test_the_warning_names_what_goes(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/privacy")
    await mia.tap("Delete everything…")
    warning = (await mia.sees("Delete everything\\?"))["text"]
    assert "a library of 0 posts, your feeds with their archive" in warning
    assert "500 credits" in warning
    assert "24 hours to undo" in warning


async def test_a_day_to_think_again(harness: Harness) -> None:
    mia = await harness.connected()
    import_id = await seed_import(harness, mia, 1, state="paused", reason="user", items=3)
    await asked_to_delete(mia)
    mia.say("DELETE")
    await mia.sees("Everything of yours is deleted at")
    assert await state_of(harness, import_id) == "cancelled"
    harness.clock.advance(hours=23)
    await harness.tick("deletions")
    mia.say("/start")
    await mia.sees("Your data is going to be deleted. /privacy can still undo it")
    mia.say("/privacy")
    await mia.tap("Undo the deletion")
    await mia.sees("Undone. Everything stays")
    harness.clock.advance(hours=2)
    await harness.tick("deletions")
    mia.say("/connect")
    await mia.sees("@mia · ✅ works")


async def test_an_undo_twice_is_no_harm(harness: Harness) -> None:
    mia = await harness.owner()
    mia.forge("v1:pri:undo")
    await mia.sees("Nothing was going to be deleted")


async def test_after_a_day_nothing_of_the_person_is_left(harness: Harness) -> None:
    await harness.owner()
    leo = await harness.member()
    await harness.connect(leo, "leo")
    await seed_import(harness, leo, 1, state="paused", reason="user", items=3)
    others = await dump(harness, without=("notices", "updates", "flows"))
    assert "Leo" in others
    await asked_to_delete(leo)
    leo.say("DELETE")
    await leo.sees("Everything of yours is deleted at")
    harness.clock.advance(hours=24)
    await harness.tick("deletions")
    await leo.sees("Everything of yours has been deleted.*Goodbye")
    left = await dump(harness, without=("audit", "updates"))
    for trace in ("Leo", "leo", "70000000002", "Reels ideas"):
        assert trace not in left
    assert not re.search(rf"(?<!\d){leo.user_id}(?!\d)", left)  # but times have digits, too
    leo.say("/start")
    await leo.sees("private bot")


async def test_another_persons_data_stays(harness: Harness) -> None:
    mia = await harness.connected()
    await seed_import(harness, mia, 1, state="done", items=2)
    leo = await harness.member()
    await asked_to_delete(leo)
    leo.say("DELETE")
    await leo.sees("Everything of yours is deleted at")
    harness.clock.advance(hours=24)
    await harness.tick("deletions")
    await leo.sees("Goodbye")
    mia.say("/jobs")
    await mia.sees("Reels ideas")
    mia.say("/connect")
    await mia.sees("@mia · ✅ works")
    (user,) = await harness.app.people.everyone()
    assert (user.name, user.credits) == ("Mia", 500)
