"""Where a file goes that is sent, and how several at once are answered."""

from __future__ import annotations

import pytest

from storage import story_items
from tests.bot.stories.studio import Studio, picture


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the media process: what it can't read is refused at once."""
    monkeypatch.setattr("services.stories.fit.fitting.fit", _refuse)


async def _refuse(*_: object) -> object:
    from services.media.story import Reason, Refused

    return Refused(Reason.TOO_SMALL)


def send(studio: Studio, name: str, *, album: str = "", photo: bool = False) -> None:
    studio.harness.telegram.send_file(
        studio.mia.user_id,
        name,
        picture(width=200 + 10 * len(name), height=300 + ord(name[0])),
        "image/jpeg",
        caption="Note" if name == "a.jpg" else "",
        as_photo=photo,
        album=album,
    )


async def items(studio: Studio, account_id: int) -> list[tuple[str, str, str]]:
    async with studio.app.database.read() as db:
        found = await story_items.of_account(db, account_id, 50)
    return [(one.name, one.source, one.note) for one in reversed(found)]


async def test_with_several_accounts_one_is_chosen_and_stays_it(studio: Studio) -> None:
    mia = studio.mia
    await studio.connect()
    await studio.connect("leo")
    first, second = await studio.app.stories.accounts.of_user(mia.user_id)
    mia.say("/newstory")
    await mia.sees("It goes to @mia")
    send(studio, "a.jpg")
    await mia.sees("a.jpg: fitting it to a story for @mia")
    await mia.sees("(?s)can't become a story.*👤 @mia")
    mia.say("/newstory")
    await mia.tap("👤 @leo")
    await mia.sees("It goes to @leo")
    send(studio, "b.jpg")
    await mia.sees("b.jpg: fitting it to a story for @leo")
    studio.harness.clock.advance(hours=1)
    send(studio, "c.jpg")
    await mia.sees("(?s)c.jpg.*can't become a story.*👤 @leo")
    mia.say("/stories")
    await mia.sees("Queue · 0 stories · @leo")
    mia.say("/schedule")
    await mia.sees("The next 7 days · @leo")
    await mia.tap("👤 @mia")
    await mia.sees("The next 7 days · @mia")
    assert [one[0] for one in await items(studio, first.id)] == ["a.jpg"]
    assert [one[0] for one in await items(studio, second.id)] == ["b.jpg", "c.jpg"]


async def test_with_one_account_there_is_nothing_to_choose(studio: Studio) -> None:
    await studio.connect()
    studio.mia.say("/newstory")
    card = await studio.mia.sees("New story")
    assert "👤" not in str(card)
    assert "@mia" not in card["text"]


async def test_an_album_has_one_answer(studio: Studio) -> None:
    mia = studio.mia
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        send(studio, name, album="1", photo=name == "c.jpg")
    await mia.sees("Fitting your album to stories")
    studio.harness.clock.advance(seconds=3)
    card = await mia.sees(
        "(?s)0 of 3 files can become.*1 🖼 a.jpg: ❌ .*3 🖼 photo-\\d+.jpg.*smaller"
    )
    assert mia.labels(card)[:3] == ["1", "2", "3"]
    await mia.until(lambda: "Fitting" not in str(mia.messages()) or None, "the first one's end")
    told = [one["text"] for one in mia.messages() if "can't become a story" in str(one)]
    assert set(told) == {card["text"]}, "one answer for all"
    *files, photo = await items(studio, await studio.account())
    assert files == [("a.jpg", "chat", "Note"), ("b.jpg", "chat", "Note")]
    assert photo[0].startswith("photo-"), "Telegram's photos have no names"
    assert photo[1:] == ("compressed", "Note")


async def test_an_album_that_is_known_says_so_at_once(studio: Studio) -> None:
    mia = studio.mia
    for name in ("a.jpg", "b.jpg"):
        send(studio, name)
        await mia.sees(f"(?s){name}.*can't become a story")
    for name in ("a.jpg", "b.jpg"):
        send(studio, name, album="2")
    card = await mia.sees("(?s)of 2 files.*a.jpg \\(known\\).*b.jpg \\(known\\).*not taken twice")
    assert "Fitting" not in str(mia.messages())
    assert mia.labels(card)[:2] == ["1", "2"]


async def test_a_photo_that_telegram_made_smaller_is_named(studio: Studio) -> None:
    send(studio, "a.jpg", photo=True)
    await studio.mia.sees("Sent as a file they keep their full quality")


async def test_a_file_that_is_neither_media_nor_cookies_stays_in_the_chat(studio: Studio) -> None:
    mia, telegram = studio.mia, studio.harness.telegram
    sent = telegram.send_file(mia.user_id, "contract.pdf", b"%PDF-1.4", "application/pdf")
    card = await mia.sees("I can't use that kind of message. Send a photo or a video")
    assert "📸 New story" in mia.labels(card)
    assert sent in [one["message_id"] for one in telegram.history(mia.user_id)]
