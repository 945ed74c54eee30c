"""A post as a line: what strangers wrote stays text, and comes back as it was."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.importing import tables_out
from services.importing.tables_out import Line
from storage.library import LibraryPost
from storage.samples import Sample
from tests.services.instagram.examples import EXAMPLES
from tests.support.rows import NOW, at

POST = LibraryPost(7, "-C1a2b", "video", "neon.loops", "=1+1", NOW, at(5))
FILM = Sample(
    id=1, post_id=7, position=0, kind="video", bytes=1000, object_key="instagram/7/0.mp4",
    width=720, height=1280, state="ready", failure=None, seconds=10.012345,
    audio_key="instagram/7/0.m4a", waveform_key=None, thumbnail_key=None, colour=None,
    bpm=127.96, bpm_alternative=63.98, bpm_confidence=0.41234, no_bpm=None,
    key="F# minor", key_second="A major", key_confidence=0.8, key_sure=True, no_key=None,
)  # fmt: skip
PHOTO = replace(FILM, id=2, position=1, kind="image", audio_key=None, bytes=500, bpm=None)
# what programs read a formula from, with the wide forms of the East
STARTS = "=+-@\t\r\n＝＋－＠"
texts = st.one_of(
    st.text(max_size=40),
    st.builds(str.__add__, st.sampled_from(STARTS), st.text(max_size=20)),
    st.text(st.sampled_from(STARTS + "\",;'\r\n\0ab|\ud800"), max_size=20),
)


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def a_line(**changes: object) -> Line:
    made = tables_out.line(POST, [FILM, PHOTO], ["beats", "loud"], ["Beats"])
    return replace(made, **changes)  # type: ignore[arg-type]


@given(texts, texts, st.lists(texts, max_size=3).map(tuple), texts)
@EXAMPLES
def test_no_cell_is_a_formula_and_no_word_is_lost(
    caption: str, author: str, tags: tuple[str, ...], title: str
) -> None:
    line = a_line(caption=caption, author=author, hashtags=tags, collections=(title,))
    data = tables_out.csv_lines([tables_out.csv_row(line)])
    assert data.endswith(b"\r\n")
    (row,) = read(data)
    cells = dict(zip(tables_out.COLUMNS, row, strict=True))
    assert not [cell for cell in row if cell.startswith(tuple(STARTS))]
    for name, given_text in (("caption", caption), ("author", author), ("collections", title)):
        kept = given_text.encode("utf-8", "replace").decode().replace("\0", "")
        assert cells[name] in (kept, f"'{kept}")
    written = json.loads(tables_out.json_object(line))
    assert written["hashtags"] == [tag.encode("utf-8", "replace").decode() for tag in tags]


def test_plain_text_has_no_apostrophe() -> None:
    row = tables_out.csv_row(a_line(caption="Drop at 0:12 = the best", shortcode="C1"))
    assert "Drop at 0:12 = the best" in row
    assert not [cell for cell in row if cell.startswith("'")]


def test_every_column_of_a_film() -> None:
    row = tables_out.csv_row(a_line())
    assert dict(zip(tables_out.csv_head(), row, strict=True)) == {
        "shortcode": "'-C1a2b",
        "link": "https://www.instagram.com/p/-C1a2b/",
        "author": "neon.loops",
        "type": "video",
        "taken_utc": "2026-11-20 12:00:00",
        "added_utc": "2026-11-20 12:05:00",
        "caption": "'=1+1",
        "hashtags": "beats, loud",
        "collections": "Beats",
        "duration": "10.01",
        "tempo": "128.0",
        "tempo_alternative": "64.0",
        "tempo_confidence": "0.412",
        "no_tempo": "",
        "key": "F# minor",
        "key_second": "A major",
        "key_confidence": "0.8",
        "no_key": "",
        "width": "720",
        "height": "1280",
        "files": "2",
        "bytes": "1500",
    }


def test_json_has_numbers_zones_and_nothing_that_was_made_up() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))
    written = json.loads(tables_out.json_object(a_line(taken=elsewhere, tempo=None)))
    assert (written["taken"], written["added"]) == ("2026-11-20T12:00:00Z", "2026-11-20T12:05:00Z")
    assert written["tempo"] is None
    assert (written["tempo_confidence"], written["bytes"]) == (0.412, 1500)
    assert written["caption"] == "=1+1"


def test_why_a_figure_is_missing() -> None:
    def why(*files: Sample) -> tuple[str | None, str | None]:
        made = tables_out.line(POST, files, [], [])
        return made.no_tempo, made.no_key

    silent = replace(FILM, bpm=None, key=None, no_bpm="silent", no_key="few_notes")
    assert why(silent) == ("silent", "few_notes")
    assert why(replace(silent, no_bpm=None, state="failed", failure="bomb")) == ("bomb", "bomb")
    assert why(replace(silent, no_bpm=None, state="pending")) == ("pending", "pending")
    assert why(PHOTO) == why() == (None, None)


def test_a_post_is_heard_by_its_first_film_with_sound() -> None:
    mute = replace(FILM, position=0, audio_key=None, bpm=None)
    assert tables_out.line(POST, [PHOTO, mute, FILM], [], []).tempo == 128.0


def test_the_name_of_a_sound() -> None:
    assert tables_out.sound_name(POST, FILM) == "neon.loops_C1a2b_128_Fsharp-minor.m4a"
    unknown = replace(FILM, bpm=None, key=None, position=2)
    assert tables_out.sound_name(POST, unknown) == "neon.loops_C1a2b_3.m4a"


@given(texts, texts)
@EXAMPLES
def test_a_name_leads_nowhere(author: str, shortcode: str) -> None:
    name = tables_out.sound_name(replace(POST, author=author, shortcode=shortcode), FILM)
    assert name.isascii()
    assert name.isprintable()
    assert len(name) < 200
    assert not set(name) & set('/\\:*?"<>|')
    assert not name.startswith((".", "-"))
