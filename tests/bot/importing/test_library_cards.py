"""The library's cards in every state, and how the files of a post travel to the chat."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards import Card
from bot.importing import colours
from bot.importing import library_cards as cards
from bot.importing.parcels import ALBUM, PHOTO, UPLOAD, pack
from sandbox.telegram.html import parse_html, utf16_length
from services.importing.harmony import KEYS, neighbours
from services.importing.library import Choices, Shelf
from storage.library import Filters
from storage.samples import Sample, film_of
from tests.bot.factories import HOSTILE, NOW, photo, post, sample, silent_film

CAPTION = 1024
PENDING: dict[str, Any] = {"state": "pending", "seconds": None, "bpm": None, "key": None}
EVERY_FILTER = Filters(
    "video", "ann", "beats", 5, (110, 130), neighbours("A minor"), NOW.isoformat(), "rain", (1, 2)
)


def told(*files: Sample, **changes: Any) -> list[str]:
    return parse_html(cards.caption(post(**changes), list(files), "UTC"))[0].splitlines()


def keys(*files: Sample, **changes: Any) -> list[list[str]]:
    return [[key.label for key in row] for row in cards.sample_keys(post(**changes), list(files))]


def labels(card: Card) -> list[str]:
    return [key.label for row in card.rows for key in row]


def shelf(filters: Filters | None = None, *, total: int = 3, page: int = 0, **of: Any) -> Shelf:
    posts = [post(id=n, **of) for n in range(1, min(total, 6) + 1)]
    return Shelf(posts, {1: [sample()]}, filters or Filters(), page, total, "Beats")


# ---------------------------------------------------------------- one sample


def test_a_film_shows_tempo_key_and_length_with_their_second_guesses() -> None:
    assert told(sample()) == [
        "🎬 @creator",
        "🥁 122 BPM, or 61",
        "🎹 A minor, or C major",
        "⏱ 0:10",
        "📅 17 Nov 2026 · post on Instagram",
        "Sunset 🌇",
    ]
    assert keys(sample()) == [
        ["▶️ Play", "WAV", "MP3"],
        ["⬇️ Video", "🎯 Similar", "📸 Story"],
        ["‹ Library", "🗑 Delete"],
    ]
    assert 'href="https://www.instagram.com/p/C1a2b3/"' in cards.caption(post(), [], "UTC")


@pytest.mark.parametrize(
    ("film", "line"),
    [
        (sample(key_sure=False), "🎹 probably A minor, or C major"),
        (sample(bpm=None, no_bpm="no_beat"), "🥁 no tempo: no clear beat"),
        (sample(key=None, no_key="few_notes"), "🎹 no key: too few notes"),
        (sample(key=None, no_key="a new word"), "🎹 no key: not known"),
        (silent_film(), "🔇 No tempo, no key: no sound"),
        (sample(bpm=None, key=None, no_bpm="silent", no_key="silent"), "No tempo, no key: silent"),
        (sample(**PENDING), "⏳ Being analysed"),
        (sample(state="failed", failure="timeout"), "Not analysed: reading it took too long."),
        (sample(state="failed", failure="new"), "Not analysed: it could not be read."),
    ],
)
def test_a_film_says_why_something_is_not_given(film: Sample, line: str) -> None:
    assert any(line in one for one in told(film)), told(film)


def test_what_can_not_be_done_has_no_button() -> None:
    assert keys(silent_film()) == [["⬇️ Video", "📸 Story"], ["‹ Library", "🗑 Delete"]]
    assert keys(sample(**PENDING, audio_key=None))[0] == ["🔄 Look again"]
    assert keys(photo(), kind="photo")[0] == ["⬇️ Photo", "📸 Story"]
    both = keys(photo(), sample(), kind="carousel")
    assert both[1] == ["⬇️ All files", "🎯 Similar", "📸 Story"]
    assert keys() == [[], ["‹ Library", "🗑 Delete"]]


def test_a_photo_shows_its_colour_by_name_and_number() -> None:
    assert told(photo(), kind="photo")[1:3] == ["🎨 dark blue #1b2a55", "📐 1080×1350"]
    assert "Being looked at" in told(photo(state="pending", colour=None))[1]
    assert "has more pixels" in told(photo(state="failed", failure="bomb", colour=None))[1]


def test_a_carousel_is_heard_by_its_first_film_with_sound() -> None:
    files = [photo(), silent_film(), sample(bpm=90.0, bpm_alternative=None)]
    assert "🥁 90 BPM" in told(*files, kind="carousel")
    assert told(*files)[-2].endswith("· 3 files")
    assert film_of(files) == files[2]
    assert film_of([silent_film()]) == silent_film()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([sample()], "122 BPM · A minor · 0:10"),
        ([sample(bpm=None, seconds=65.4)], "A minor · 1:05"),
        ([silent_film()], "no sound · 0:10"),
        ([sample(bpm=None, key=None, no_bpm="no_beat")], "no tempo · 0:10"),
        ([sample(), sample(bpm=90.0)], "122 BPM · A minor · 0:10 | 90 BPM · A minor · 0:10"),
        (
            [sample(bpm=90.0 + n) for n in range(3)],
            "90 BPM · A minor · 0:10 | 91 BPM · A minor · 0:10 | …",
        ),
        ([sample(state="failed")], "not analysed"),
        ([sample(), photo(state="pending")], "being analysed"),
        ([photo()], "dark blue"),
        ([photo(colour=None)], ""),
        ([], ""),
    ],
)
def test_the_short_form_of_a_list(files: list[Sample], words: str) -> None:
    assert cards.figures(files) == words


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_post_fits_below_a_picture(text: str) -> None:
    """Author, code and words are a stranger's; 1024 units count after the tags are read."""
    of_stranger = post(author=text, caption=text * 3, shortcode=text, kind="carousel")
    for files in ([sample()] * 20, [photo(colour=text)] * 20, [sample(state="failed")], []):
        plain, _ = parse_html(cards.caption(of_stranger, files, "Asia/Kathmandu"))
        assert 1 <= utf16_length(plain) <= CAPTION
        assert "<script>" not in cards.caption(of_stranger, files, "UTC")


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ("#1b2a55", "dark blue"),
        ("#ff0000", "red"),
        ("#FA0505", "red"),
        ("#f08020", "orange"),
        ("#5a3a18", "brown"),
        ("#ffe060", "yellow"),
        ("#30a040", "green"),
        ("#20b0b0", "turquoise"),
        ("#9040d0", "violet"),
        ("#ff90c0", "light pink"),
        ("#050505", "black"),
        ("#fefefe", "white"),
        ("#808080", "grey"),
        ("#404448", "dark grey"),
        ("red", ""),
        ("#12345", ""),
    ],
)
def test_a_colour_has_a_name(colour: str, word: str) -> None:
    assert colours.name(colour) == word


# ---------------------------------------------------------------- the shelf


def test_a_shelf_lists_six_and_turns() -> None:
    card = cards.shelf(shelf(total=20, page=1))
    assert card.text.splitlines()[:4] == [
        "<b>Library</b> · 20 posts",
        "",
        "<b>1</b> 🎬 creator",
        "122 BPM · A minor · 0:10",
    ]
    assert labels(card)[:10] == [*"123456", "‹", "2/4", "›", "🔎 Filter"]
    assert labels(card)[-1] == "Menu"
    assert labels(cards.shelf(shelf(total=20, page=3)))[6:9] == ["‹", "4/4", "🔎 Filter"]
    assert labels(cards.shelf(shelf(total=1)))[:2] == ["1", "🔎 Filter"]
    waits = Shelf([post()], {1: [sample(**PENDING)]}, Filters(), 0, 1)
    assert labels(cards.shelf(waits))[:2] == ["1", "🔄 Look again"]


def test_every_filter_that_is_on_is_shown_and_can_be_taken_off() -> None:
    card = cards.shelf(shelf(EVERY_FILTER))
    assert card.text.splitlines()[0] == (
        "<b>Library</b> · 3 posts · films · by ann · #beats · Beats · 110-130 BPM · near A minor · "
        "since 20 Nov 2026 · “rain” · similar ones"
    )
    off = {key.tap.ref for row in card.rows for key in row if key.tap and key.tap.verb == "off"}
    assert off == set(Filters.__slots__)
    assert "✖️ Clear filters" in labels(card)
    assert "✖️ Clear filters" not in labels(cards.shelf(shelf()))


def test_an_empty_library_leads_to_import_and_an_empty_search_to_clearing() -> None:
    assert labels(cards.shelf(shelf(total=0))) == ["📥 Import", "🗂 Collections", "Menu"]
    card = cards.shelf(shelf(Filters(text="<rain>"), total=0))
    assert card.text == "<b>Nothing found</b> · “&lt;rain&gt;”"
    assert labels(card)[:3] == ["✖️ “<rain>”", "🔎 Filter", "✖️ Clear filters"]


def test_lists_to_choose_from_can_be_empty() -> None:
    nothing = Choices([], [], [])
    for card in (cards.authors(nothing), cards.tags(nothing), cards.collections(nothing)):
        assert "nothing to choose from yet" in card.text
        assert labels(card) == ["‹ Filter"]
    assert len(labels(cards.keys())) == len(KEYS) + 1


# ---------------------------------------------------------------- what is too large


def test_a_large_file_is_a_link_or_says_who_can_make_it_one() -> None:
    link = "https://reelay.example/downloads/abc"
    card = cards.too_large(84_000_000, link, leads=False)
    assert card.text.startswith("84 MB are more than Telegram takes from a bot.")
    assert [(key.url, key.copy) for key in card.rows[0]] == [(link, ""), ("", link)]
    local = cards.too_large(84_000_000, "http://localhost:8080/downloads/abc", leads=False)
    assert [key.url for key in local.rows[0]] == [""], "Telegram refuses such a button"
    assert "Set <code>PUBLIC_URL</code>" in cards.too_large(1, None, leads=True).text
    assert "Whoever runs this bot has to" in cards.too_large(1, None, leads=False).text


# ---------------------------------------------------------------- parcels


def test_a_carousel_of_twenty_is_two_albums_and_one_of_eleven_ends_alone() -> None:
    mixed = [sample(position=n) if n % 2 else photo(position=n) for n in range(20)]
    assert [[file.position for file in album] for album in pack(mixed).albums] == [
        list(range(10)),
        list(range(10, 20)),
    ]
    assert [len(album) for album in pack(mixed[:11]).albums] == [ALBUM, 1]


def test_an_album_is_not_heavier_than_one_request_may_be() -> None:
    parcels = pack([sample(bytes=UPLOAD // 2)] * 3)
    assert [len(album) for album in parcels.albums] == [2, 1]


@pytest.mark.parametrize(
    ("file", "where"),
    [
        (photo(), "albums"),
        (photo(bytes=PHOTO), "albums"),
        (photo(bytes=PHOTO + 1), "documents"),
        (photo(width=5000, height=5000), "albums"),
        (photo(width=5001, height=5000), "documents"),
        (photo(width=2000, height=100), "albums"),
        (photo(width=2001, height=100), "documents"),
        (photo(width=None), "documents"),
        (photo(bytes=UPLOAD + 1), "links"),
        (sample(bytes=UPLOAD), "albums"),
        (sample(bytes=UPLOAD + 1), "links"),
        (sample(width=None), "albums"),
    ],
)
def test_each_file_travels_as_telegram_takes_it(file: Sample, where: str) -> None:
    parcels = pack([file])
    assert {
        "albums": [one for album in parcels.albums for one in album],
        "documents": parcels.documents,
        "links": parcels.links,
    } == {"albums": [], "documents": [], "links": [], where: [file]}
