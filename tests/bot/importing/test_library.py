"""/library as a person uses it: against the stand-in of Telegram, with real files in the store."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.world import World
from services.media.runner import MediaFailed
from storage.tables import media
from tests.bot.seeds import seed_post
from tests.support.harness import Harness, PumpedVisitor

SOUND: dict[str, Any] = {
    "seconds": 10.4,
    "bpm": 122.0,
    "key": "A minor",
    "key_sure": True,
    "audio_key": "test/sound.m4a",
    "waveform_key": "test/wave.png",
}
VERBS = ("open", "play", "wav", "mpeg", "files", "similar", "delete", "undo")


def picture(width: int = 60, height: int = 40) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(output, "JPEG")
    return output.getvalue()


def film(**columns: Any) -> tuple[str, dict[str, Any]]:
    return "video", SOUND | columns


def kinds(visitor: PumpedVisitor) -> Counter[str]:
    """What the bot's messages are."""
    words = ("photo", "video", "audio", "document", "text")
    return Counter(next(word for word in words if word in one) for one in visitor.messages())


async def many(visitor: PumpedVisitor, **wanted: int) -> list[dict[str, Any]]:
    """Waits until the chat holds so many messages of these kinds."""

    def find() -> bool | None:
        have = kinds(visitor)
        return all(have[kind] == number for kind, number in wanted.items()) or None

    await visitor.until(find, f"{wanted} messages")
    await visitor.answered()
    return visitor.messages()


def converts(monkeypatch: pytest.MonkeyPatch, harness: Harness, content: bytes | None) -> None:
    """Conversion without a process; None: it fails."""

    async def run(_task: str, arguments: Mapping[str, Any], **_limits: Any) -> dict[str, Any]:
        if content is None:
            raise MediaFailed("crashed")
        made = content + arguments["kind"].encode()
        Path(arguments["target"]).write_bytes(made)  # noqa: ASYNC240 - a test
        return {}

    monkeypatch.setattr(harness.app.importing.library._runner, "run", run)


# ---------------------------------------------------------------- shelf and card


async def test_from_the_shelf_to_a_card_and_back_is_one_screen(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/library")
    card = await mia.sees("Your library is empty")
    assert mia.labels(card) == ["📥 Import", "🗂 Collections", "Menu"]
    await seed_post(harness, mia, "p", film(), content=picture(), author="ann <3", caption="<i>&")
    mia.say("/library")
    shelf = await mia.sees("1 post\n\n1 .*ann <3\n122 BPM · A minor · 0:10\n<i>&")
    await mia.tap("1")
    card = await mia.sees("🥁 122 BPM")
    assert card["message_id"] == shelf["message_id"], "the shelf became the card"
    assert "photo" in card
    assert card["caption"].endswith("<i>&")
    await mia.tap("‹ Library")
    await mia.sees("Library · 1 post")
    await mia.answered()
    assert card["message_id"] not in {one["message_id"] for one in mia.messages()}
    assert "photo" not in kinds(mia)


async def test_a_card_too_old_to_delete_stays_and_a_new_one_comes(harness: Harness) -> None:
    mia = await harness.owner()
    await seed_post(harness, mia, "p", film(), content=picture())
    mia.say("/library")
    await mia.tap("1")
    await mia.sees("🥁 122 BPM")
    refusal = "Bad Request: message can't be deleted for everyone"
    harness.telegram.fail("deleteMessage", code=400, description=refusal)
    await mia.tap("‹ Library")
    await many(mia, photo=1, text=2)


async def test_from_card_to_card_the_picture_changes_in_place(harness: Harness) -> None:
    """A forged or repeated tap on a picture: the same card is no error, another one replaces it."""
    mia = await harness.owner()
    first = await seed_post(harness, mia, "a", film(), content=picture())
    second = await seed_post(harness, mia, "b", film(bpm=90.0, waveform_key="test/b.png"))
    await seed_post(harness, mia, "b2", film(waveform_key="test/b.png"), content=picture(80, 20))
    mia.say("/library")
    await mia.sees("3 posts")
    for post_id in (first, first, second):
        mia.forge(f"v1:lib:open:{post_id}")
    await mia.sees("🥁 90 BPM")
    await mia.answered()
    assert kinds(mia) == {"photo": 1, "text": 1}
    assert "Something went wrong" not in mia.transcript


async def test_pages_turn_and_a_page_that_is_gone_shows_the_last_one(harness: Harness) -> None:
    mia = await harness.owner()
    for n in range(8):
        await seed_post(harness, mia, f"p{n}", ("image", {}))
    mia.say("/library")
    card = await mia.sees("8 posts")
    assert mia.labels(card)[:8] == [*"123456", "1/2", "›"]
    await mia.tap("›")
    await mia.until(lambda: "‹" in mia.labels() or None, "the second page")
    assert mia.labels()[:4] == ["1", "2", "‹", "2/2"]
    mia.forge("v1:lib:page:999999999999999999")
    await mia.answered()
    assert mia.labels()[:4] == ["1", "2", "‹", "2/2"]


async def test_an_analysis_under_way_is_looked_at_again(harness: Harness) -> None:
    mia = await harness.owner()
    await seed_post(harness, mia, "p", ("video", {"state": "pending"}))
    mia.say("/library")
    await mia.sees("being analysed")
    await mia.tap("1")
    await mia.sees("⏳ Being analysed")
    await mia.tap("🔄 Look again")
    await mia.toast("not through yet")


# ---------------------------------------------------------------- filters


async def test_filters_are_chosen_by_buttons_add_up_and_come_off(harness: Harness) -> None:
    mia = await harness.owner()
    await seed_post(harness, mia, "a", film(), tags=("beats",), author="ann", caption="rain")
    await seed_post(harness, mia, "b", film(bpm=90.0), tags=("beats",), author="bob")
    await seed_post(harness, mia, "c", ("image", {"colour": "#1b2a55"}), author="ann")
    mia.say("/library")
    for path, words in (
        (["🎬 Films"], "2 posts · films"),
        (["# Hashtag", "#beats · 2"], "2 posts · films · #beats"),
        (["🥁 Tempo", "110-130"], "1 post · films · #beats · 110-130 BPM"),
        (["🎹 Key", "Em"], "1 post · films · #beats · 110-130 BPM · near E minor"),
        (["📅 Date", "month"], "near E minor · since "),
        (["👤 Author", "@ann · 2"], "1 post · films · by ann · #beats"),
    ):
        await mia.tap("🔎 Filter")
        for label in path:
            await mia.tap(label)
        await mia.sees(words)
    await mia.tap("✖️ by ann")
    await mia.sees("1 post · films · #beats")
    mia.forge("v1:lib:off:user_id")
    await mia.toast("another version|not in your library")
    mia.say("/library")
    await mia.tap("✖️ Clear filters")
    await mia.sees("Library · 3 posts$|Library · 3 posts\n")


async def test_a_word_is_searched_for_while_the_filters_are_open(harness: Harness) -> None:
    mia = await harness.owner()
    await seed_post(harness, mia, "a", film(), caption="Rain again")
    await seed_post(harness, mia, "b", ("image", {}), caption="Sun")
    mia.say("/library")
    await mia.tap("🔎 Filter")
    await mia.sees("Choose one; filters add up")
    mia.say("#RAIN")
    await mia.sees("1 post · “RAIN”")
    mia.say("/library nowhere 😀")
    card = await mia.sees("Nothing found · “nowhere 😀”")
    assert "✖️ Clear filters" in mia.labels(card)
    await mia.tap("✖️ Clear filters")
    await mia.sees("2 posts")
    await mia.tap("🔎 Filter")
    await mia.sees("Choose one")
    await mia.tap("‹ Library")
    await mia.answered()
    mia.say("sun")  # the filters were left: this is no search any more
    await mia.sees("I see no link in that")


async def test_a_link_is_imported_even_while_a_word_is_awaited(harness: Harness) -> None:
    mia = await harness.connected()
    await seed_post(harness, mia, "a", film())
    mia.say("/library")
    await mia.tap("🔎 Filter")
    await mia.sees("Choose one")
    mia.say(harness.sandbox.world.collection_url("mia", "empty"))
    await mia.sees("Empty is empty")


async def test_a_choice_that_is_gone_says_so(harness: Harness) -> None:
    """Names are looked up by what they are, not by their place in a list that has changed."""
    mia = await harness.owner()
    await seed_post(harness, mia, "a", film(), tags=("beats",))
    mia.say("/library")
    await mia.sees("1 post")
    for verb in ("author", "tag"):
        mia.forge(f"v1:lib:{verb}:0123456789ab")
        await mia.toast("Nothing of that is in your library")
        await mia.answered()
    assert "0 posts" not in mia.transcript


# ---------------------------------------------------------------- files


async def test_play_wav_and_mp3(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    converts(monkeypatch, harness, b"sound as ")
    mia = await harness.owner()
    await seed_post(harness, mia, "p", film(), content=picture(), shortcode="-Ab", author="ann")
    mia.say("/library")
    await mia.tap("1")
    await mia.tap("Play")
    await many(mia, audio=1)
    audio = next(one["audio"] for one in mia.messages() if "audio" in one)
    assert (audio["title"], audio["performer"], audio["file_name"]) == (
        "122 BPM · A minor · 0:10",
        "@ann",
        "reelay_Ab.m4a",
    )
    await mia.tap("WAV")
    assert await mia.receives("reelay_Ab.wav") == b"sound as wav"
    await mia.tap("MP3")
    assert await mia.receives("reelay_Ab.mp3") == b"sound as mp3"
    assert {"upload_document"} == {
        call.args["action"] for call in harness.telegram.calls if call.method == "sendChatAction"
    }
    mia.say("/help")  # updates of a chat are handled in order
    await mia.sees("What I can do")
    assert list((await harness.app.objects.folder()).iterdir()) == []


async def test_every_sound_of_a_carousel_is_told_and_brought(harness: Harness) -> None:
    """A filter finds it by any of them: what is shown must not be another one's figures."""
    mia = await harness.owner()
    low = film(bpm=90.0, key="C major", audio_key="test/low.m4a")
    await seed_post(harness, mia, "p", low, film(), content=picture(), kind="carousel")
    mia.say("/library")
    await mia.sees(r"90 BPM · C major · 0:10 \| 122 BPM · A minor · 0:10")
    await mia.tap("1")
    await mia.sees("🎧 2 sounds\n1 · 90 BPM · C major · 0:10\n2 · 122 BPM · A minor")
    await mia.tap("Play")
    played = [one["audio"]["file_name"] for one in await many(mia, audio=2) if "audio" in one]
    assert [name[-6:] for name in played] == ["_0.m4a", "_1.m4a"]


async def test_a_sound_that_can_not_be_converted_or_sent_says_what_is_left(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    converts(monkeypatch, harness, None)
    mia = await harness.owner()
    await seed_post(harness, mia, "p", film(), content=picture())
    mia.say("/library")
    await mia.tap("1")
    await mia.tap("WAV")
    await mia.sees("could not be converted.*\nThe film itself is fine")
    converts(monkeypatch, harness, b"")
    monkeypatch.setattr("bot.importing.library.UPLOAD", 2)
    await mia.tap("WAV")
    card = await mia.sees("as WAV, more than Telegram takes")
    assert mia.labels(card) == ["MP3", "‹ Library"]
    silent = await seed_post(harness, mia, "s", ("video", {"no_bpm": "no_audio"}))
    for verb in ("play", "wav"):
        mia.forge(f"v1:lib:{verb}:{silent}")
        await mia.toast("This post has no sound")
        await mia.answered()


@pytest.mark.parametrize(("files", "albums", "alone"), [(20, [10, 10], 0), (11, [10], 1)])
async def test_a_carousel_arrives_whole(
    harness: Harness, files: int, albums: list[int], alone: int
) -> None:
    mia = await harness.owner()
    mixed = [film() if n % 2 else ("image", {}) for n in range(files)]
    post_id = await seed_post(
        harness, mia, "p", *mixed, content=picture(), kind="carousel", author="</b>&"
    )
    mia.say("/library")
    await mia.sees("1 post")
    mia.forge(f"v1:lib:files:{post_id}")
    sent = (await many(mia, photo=(files + 1) // 2, video=files // 2))[-files:]
    groups = Counter(one.get("media_group_id") for one in sent)
    assert groups.pop(None, 0) == alone
    assert sorted(groups.values(), reverse=True) == albums
    assert sent[0]["caption"] == "@</b>& · code-p"


async def test_an_album_waits_for_its_turn(harness: Harness) -> None:
    """It counts as all its pictures: Telegram asks for patience sooner than with texts."""
    mia = await harness.owner()
    post_id = await seed_post(harness, mia, "p", *[("image", {})] * 2, content=picture())
    mia.say("/library")
    await mia.sees("1 post")
    busy = {"code": 429, "description": "Too Many Requests: retry after 1", "retry_after": 1}
    harness.telegram.fail("sendMediaGroup", **busy)  # type: ignore[arg-type]
    mia.forge(f"v1:lib:files:{post_id}")
    await many(mia, photo=2)


async def test_what_is_no_photo_for_telegram_comes_as_a_document(harness: Harness) -> None:
    mia = await harness.owner()
    wide = await seed_post(harness, mia, "w", ("image", {"width": 9999, "height": 400}))
    broken = await seed_post(harness, mia, "b", ("image", {}), ("image", {}), content=b"no picture")
    mia.say("/library")
    await mia.sees("2 posts")
    mia.forge(f"v1:lib:files:{wide}")
    await many(mia, document=1)
    mia.forge(f"v1:lib:files:{broken}")
    await many(mia, document=3, photo=0)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "84 MB are more than Telegram takes from a bot. Set PUBLIC_URL to"),
        ("https://reelay.example/", "84 MB are more .* Here is a link: it works for a day"),
    ],
)
async def test_a_film_above_telegrams_limit(
    tmp_path: Path, templates: Path, world: World, url: str, words: str
) -> None:
    async with Harness(tmp_path / "data", world, templates=templates, PUBLIC_URL=url) as harness:
        mia = await harness.owner()
        post_id = await seed_post(harness, mia, "p", film(bytes=84_000_000), film())
        mia.say("/library")
        await mia.sees("1 post")
        mia.forge(f"v1:lib:files:{post_id}")
        card = await mia.sees(words)
        await many(mia, video=1)
        key = card["reply_markup"]["inline_keyboard"][0][0]
        assert key.get("url", "").startswith("https://reelay.example/downloads/") == bool(url)


async def test_a_file_that_is_missing_says_so_and_the_card_still_stands(harness: Harness) -> None:
    mia = await harness.owner()
    await seed_post(harness, mia, "p", film())
    for key in ("test/wave.png", "test/sound.m4a"):
        await harness.app.objects.delete(key)
    mia.say("/library")
    await mia.tap("1")
    await mia.sees("🥁 122 BPM")
    await mia.tap("Play")
    await mia.sees("missing from the store.*\nDelete the post here and import it again")


# ---------------------------------------------------------------- similar, delete, whose it is


async def test_similar_ones_come_best_first(harness: Harness) -> None:
    mia = await harness.owner()
    await seed_post(harness, mia, "far", film(bpm=150.0), author="far")
    await seed_post(harness, mia, "near", film(bpm=125.0, key="E minor"), author="near")
    await seed_post(harness, mia, "best", film(bpm=61.0), author="best")
    await seed_post(harness, mia, "alone", ("video", {"key": "C# major"}), author="alone")
    await seed_post(harness, mia, "this", film(), author="this", content=picture())
    mia.say("/library")
    await mia.tap("1")
    await mia.tap("🎯 Similar")
    card = await mia.sees("2 posts · similar ones")
    assert card["text"].index("best") < card["text"].index("near")
    await mia.tap("✖️ similar ones")
    await mia.sees("5 posts")
    await mia.tap("2")
    await mia.tap("🎯 Similar")
    await mia.toast("Nothing else in your library goes with it")


async def test_deleting_can_be_undone_for_ten_minutes(harness: Harness) -> None:
    mia = await harness.owner()
    post_id = await seed_post(harness, mia, "p", film(), content=picture(), author="ann")
    mia.say("/library")
    await mia.tap("1")
    await mia.tap("🗑 Delete")
    card = await mia.sees("of ann is out of your library. You can undo it for 10 minutes")
    assert mia.labels(card) == ["↩️ Undo", "‹ Library"]
    mia.forge(f"v1:lib:open:{post_id}")  # from an old card
    await mia.toast("not in your library any more")
    mia.forge(f"v1:lib:undo:{post_id}")
    await mia.toast("It is back")
    await mia.sees("Library · 1 post")
    mia.forge(f"v1:lib:delete:{post_id}")
    await mia.sees("You can undo it")
    harness.clock.advance(minutes=10, seconds=1)
    await mia.tap("↩️ Undo")
    await mia.toast("The time to undo is over")
    await mia.sees("Your library is empty")


async def test_somebody_elses_post_can_not_be_reached(harness: Harness) -> None:
    mia = await harness.owner()
    post_id = await seed_post(harness, mia, "p", film(), content=picture())
    leo = await harness.member()
    before = len(leo.messages())
    for verb in VERBS:
        for target in (post_id, 10**17, "x"):
            leo.forge(f"v1:lib:{verb}:{target}")
            await leo.answered()
    said = {toast["text"] for toast in harness.telegram.toasts(leo.user_id)} - {""}
    assert said <= {"That post is not in your library any more.", "The time to undo is over."}
    assert kinds(leo)["text"] == len(leo.messages()) == before
    async with harness.app.database.read() as db:
        assert (await db.execute(media.select())).first()
    mia.say("/library")
    await mia.sees("1 post")
