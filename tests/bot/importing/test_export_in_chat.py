"""Taking the library along as a person does it, and the cards of it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace

import pytest

from bot.importing import export
from sandbox.telegram.html import parse_html, utf16_length
from services.importing import export as service
from services.importing.export import Offer
from storage import archive, samples
from storage.library import Filters
from storage.tables import import_items
from storage.tables import samples as sample_table
from tests.bot.factories import HOSTILE
from tests.bot.seeds import seed_import
from tests.support.harness import Harness, PumpedVisitor
from tests.support.rows import new_media, new_post


async def fill(harness: Harness, visitor: PumpedVisitor, name: str, kind: str) -> None:
    """A post in the visitor's library; a film has sound, 120 BPM in C major."""
    now = harness.clock()
    media = replace(new_media(name), kind="video" if kind == "video" else "image")
    async with harness.app.database.write() as db:
        post_id = await archive.save(db, new_post(name, kind=kind, caption="=now()"), [media], now)
        await samples.plan(db, post_id, [], now)
        await archive.give(db, visitor.user_id, post_id, now)
        found = {"state": "ready"}
        if kind == "video":
            part = await harness.app.objects.part(f"{name}.m4a")
            part.write_bytes(b"sound")
            sound = f"instagram/{name}/0.m4a"
            await harness.app.objects.adopt(part, sound)
            found |= {"audio_key": sound}
        waiting = sample_table.c.state == "pending"
        await db.execute(sample_table.update().where(waiting).values(found))


async def test_a_library_is_taken_along(harness: Harness) -> None:
    mia = await harness.owner()
    await fill(harness, mia, "a", "video")
    await fill(harness, mia, "b", "photo")
    mia.say("/library")
    await mia.tap("Export")
    assert "Export · 2 posts" in (await mia.sees("Export · "))["text"]
    await mia.tap("CSV")
    await mia.sees("Here is what you asked for: 2 posts of your library as CSV")
    text = (await mia.receives(".csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["shortcode"], row["caption"]) for row in rows] == [
        ("code-b", "'=now()"),
        ("code-a", "'=now()"),
    ]
    mia.say("/library")
    await mia.tap("Export")
    await mia.tap("Sound")
    with zipfile.ZipFile(io.BytesIO(await mia.receives(".zip"))) as sounds:
        assert sounds.namelist() == ["creator_code-a.m4a"]


async def test_one_collection_is_taken_along_from_its_card(harness: Harness) -> None:
    mia = await harness.connected()
    await fill(harness, mia, "a", "video")
    await fill(harness, mia, "elsewhere", "photo")
    await seed_import(harness, mia, 1, state="done", items=1)
    async with harness.app.database.write() as db:
        await db.execute(import_items.update().values(post_id=1, state="saved"))
    mia.say("/library")
    await mia.tap("Collections")
    await mia.tap("Reels ideas")
    await mia.tap("Export")
    await mia.sees("Export · 1 post · .*Reels ideas")
    await mia.tap("JSON")
    (post,) = json.loads(await mia.receives("library.json"))
    assert (post["shortcode"], post["collections"]) == ("code-a", ["Reels ideas"])


async def test_what_is_too_large_is_a_link_that_works(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is made when it is told: the database never holds it."""
    monkeypatch.setattr(harness.app.importing.library, "_public_url", "https://reelay.example")
    monkeypatch.setattr(service, "PART_BYTES", 10)
    mia = await harness.owner()
    await fill(harness, mia, "a", "video")
    mia.say("/library")
    await mia.tap("Export")
    await mia.tap("JSON")
    message = await mia.sees("comes by a link, which works for a day")
    key = message["reply_markup"]["inline_keyboard"][0][0]
    assert key["text"] == "⬇️ reelay-library.json"
    assert key["url"].startswith("https://reelay.example/downloads/")


async def test_nothing_of_a_stranger_is_exported(harness: Harness) -> None:
    mia = await harness.owner()
    await fill(harness, mia, "a", "video")
    leo = await harness.member()
    for data, answer in (
        ("v1:exp:csv", leo.sees("There is nothing to export")),
        ("v1:exp:sound:1", leo.toast("That collection is not yours")),
        ("v1:exp:cancel", leo.sees("No export is being built")),
        ("v1:exp:nosuch", leo.toast("another version")),
    ):
        leo.forge(data)
        await answer
    async with harness.app.database.read() as db:
        assert (await db.exec_driver_sql("select count(*) from exports")).scalar() == 0


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_card_of_it_is_what_telegram_takes(text: str) -> None:
    offer = Offer(2_000_000, Filters(text=text, tag=text, collection_id=1), text)
    links = [(text or "x", address) for address in ("https://a.example/d", "http://[::1]/d", None)]
    for card in (
        export.ask(offer, 2**40),
        export.ask(replace(offer, posts=0), 0),
        export.building(offer),
        export.cancelled(),
        export.nothing_to_cancel(),
        export.ready("csv", 1, 0, links * 4),
        export.ready("sound", 0, 7, []),
        export.ready("sound", 3, 7, links),
        export.failed(),
    ):
        assert 1 <= utf16_length(parse_html(card.text)[0]) <= 4096
        keyboard = card.keyboard()
        assert keyboard
        labels = [key.text for row in keyboard.inline_keyboard for key in row]
        assert all(label.strip() for label in labels)
