"""Titles, summaries and HTML of captions."""

from __future__ import annotations

import pytest
from hypothesis import given

from services.feed.render.text import (
    SUMMARY_LENGTH,
    TITLE_LENGTH,
    clean,
    excerpt,
    html,
    summary,
    title_of,
)
from tests.services.feed.render.samples import captions, entry, film, picture


@pytest.mark.parametrize(
    ("caption", "title"),
    [
        ("Sunset\nover the sea", "Sunset"),
        ("\n \n...\n🌇\n#sunset  now\r\n", "#sunset now"),
        ("🌇🌇", "Photo"),
        ("", "Photo"),
        ("\u202egnp.tac\u202c", "gnp.tac"),  # it would turn the whole list of titles
        ("a\x00b", "ab"),
        ("שלום", "שלום"),
        ("x" * 200, "x" * (TITLE_LENGTH - 1) + "…"),
        ("word " * 50, "word " * 16 + "word…"),
    ],
)
def test_a_title_is_the_first_line_that_says_something(caption: str, title: str) -> None:
    assert title_of(caption, "Photo") == title


def test_control_characters_go_and_line_ends_are_newlines() -> None:
    """XML could hold those from U+007F on, but readers take them for letters: U+0080 for a euro."""
    assert clean("a\x00\x1f\x7f\x80\x9f\ufffe\ud800b") == "ab"
    assert clean("a\r\nb\rc\x85d\te\u2028f\u00a0g") == "a\nb\nc\nd\te\u2028f\u00a0g"


@given(captions())
def test_a_title_is_one_short_line(caption: str) -> None:
    title = title_of(caption, "Photo")
    assert 0 < len(title) <= TITLE_LENGTH
    assert title == " ".join(title.split())


@given(captions())
def test_an_excerpt_is_a_beginning(caption: str) -> None:
    caption = caption.strip()
    cut = excerpt(caption, 10)
    assert cut == caption if len(caption) <= 10 else caption.startswith(cut.removesuffix("…"))
    assert len(cut) <= 10


def test_a_summary_is_short_and_has_no_tags() -> None:
    text = summary(entry(caption="<b>" + "word " * 1000))
    assert text.startswith("&lt;b&gt;word")
    assert len(text) < SUMMARY_LENGTH + 20


def test_html_holds_everything_and_no_tag_of_a_caption() -> None:
    written = html(
        entry(
            caption="a <b>\nc\n\n\n&d",
            link='https://x.example/"><script>',
            media=(picture(), film(1, width=None)),
            missing=True,
        )
    )
    assert '<p dir="auto">a &lt;b&gt;<br>c</p>\n<p dir="auto">&amp;d</p>' in written
    assert 'width="1080" height="1350" alt=""' in written
    assert '<video src="https://reelay.example/f/TOKEN/media/7/1.mp4" height="1350"' in written
    assert "could not be saved" in written
    assert 'href="https://x.example/&quot;&gt;&lt;script&gt;"' in written


def test_a_notice_does_not_point_to_instagram() -> None:
    assert "Instagram</a>" not in html(entry(notice=True))
