"""Telegram's HTML: what it makes of markup, and every text of a refusal."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.telegram.html import HtmlError, checked_link, parse_html, utf16_length


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("x<3", "Unclosed start tag at byte offset 1"),
        ("<", "Unclosed start tag at byte offset 0"),
        ("<br>", 'Unsupported start tag "br" at byte offset 0'),
        ("<P>x</P>", 'Unsupported start tag "p" at byte offset 0'),
        ("é😀<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 6'),
        ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
        ("<b/>", 'Unsupported start tag "b/" at byte offset 0'),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=  ", 'Unclosed start tag "a" at byte offset 0'),
        ('<a href="x>y</a>', "Unclosed start tag at byte offset 0"),
        ('<a href="x"', "Unclosed start tag at byte offset 0"),
        ('<i ="x">y</i>', 'Empty attribute name in the tag "i" at byte offset 0'),
        ("<a href=x/y>z</a>", "Unexpected end of name token at byte offset 8"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<span class="x">y</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b></i>", "Unexpected end tag at byte offset 8"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<b>x</b c>", "Unclosed end tag at byte offset 4"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>x</i>", 'Can\'t find end tag corresponding to start tag "b"'),
        (
            "&#xD83D;",
            "Text contains invalid Unicode characters after decoding HTML entities, check for"
            " unmatched surrogate code units",
        ),
    ],
)
def test_refuses_in_the_words_of_the_real_server(source: str, error: str) -> None:
    with pytest.raises(HtmlError) as refusal:
        parse_html(source)
    assert str(refusal.value) == error


def marks(source: str) -> list[tuple[str, int, int]]:
    return [(e["type"], e["offset"], e["length"]) for e in parse_html(source)[1]]


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        *((tag, "bold") for tag in ("b", "strong", "B")),
        *((tag, "italic") for tag in ("i", "em")),
        *((tag, "underline") for tag in ("u", "ins")),
        *((tag, "strikethrough") for tag in ("s", "strike", "del")),
        ("tg-spoiler", "spoiler"),
        ("code", "code"),
        ("pre", "pre"),
        ("blockquote", "blockquote"),
    ],
)
def test_knows_each_tag(tag: str, kind: str) -> None:
    assert marks(f"a<{tag}>bc</{tag}>") == [(kind, 1, 2)]


def test_reads_attributes() -> None:
    assert marks('<span class="tg-spoiler">x</span>') == [("spoiler", 0, 1)]
    assert marks("<span class=tg-spoiler>x</span>") == [("spoiler", 0, 1)]
    assert marks("<blockquote expandable>x</blockquote>") == [("expandable_blockquote", 0, 1)]
    link = parse_html('<a href="https://x.org/?a=1&amp;b=2">go</a>')[1]
    assert link == [
        {"type": "text_link", "offset": 0, "length": 2, "url": "https://x.org/?a=1&b=2"}
    ]
    assert parse_html("<a>x.org</a>")[1][0]["url"] == "http://x.org/"
    emoji = parse_html('<tg-emoji emoji-id="5">x</tg-emoji>')[1][0]
    assert (emoji["type"], emoji["custom_emoji_id"]) == ("custom_emoji", "5")
    time = parse_html('<tg-time unix="1647531900" format="wDT">x</tg-time>')[1][0]
    assert (time["type"], time["unix_time"]) == ("date_time", 1647531900)


def test_code_in_pre_is_one_entity_with_its_language() -> None:
    source = '<pre><code class="language-python">x = 1</code></pre>'
    assert parse_html(source)[1] == [
        {"type": "pre", "offset": 0, "length": 5, "language": "python"}
    ]


def test_a_link_that_leads_nowhere_leaves_plain_text() -> None:
    assert parse_html('<a href="nowhere">x</a>') == ("x", [])
    assert checked_link("http://localhost/x") is None
    assert checked_link("http://127.0.0.1:80/x") == "http://127.0.0.1:80/x"
    assert checked_link("javascript://x.org") is None
    assert checked_link("tg://user?id=1") == "tg://user?id=1"


def test_decodes_only_the_references_that_telegram_knows() -> None:
    assert parse_html("&lt;&gt;&amp;&quot;&lt b&#39;&#x27;")[0] == "<>&\"< b''"
    for source in ("&nbsp;", "&apos;", "&Or;", "&#;", "&#x;", "&#12345678;", "& b", "&"):
        assert parse_html(source)[0] == source


def test_an_end_tag_may_be_empty_or_spaced() -> None:
    assert marks("<b>x</>") == [("bold", 0, 1)]
    assert marks("<b>x</b  >") == [("bold", 0, 1)]


def test_empty_entities_vanish_and_outer_ones_come_first() -> None:
    assert marks("<b></b>x") == []
    assert marks("<b>a<i>b</i></b>") == [("bold", 0, 2), ("italic", 1, 1)]


def test_counts_in_utf16_units() -> None:
    assert utf16_length("é😀x") == 4
    assert marks("😀<b>😀</b>") == [("bold", 2, 2)]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_escaped_text_always_arrives_as_it_was(text: str) -> None:
    assert parse_html(html.escape(text)) == (text, [])


@given(st.text(alphabet="<>/&;#=\"' abipre-x0\0😀"))
def test_any_markup_is_read_or_refused(source: str) -> None:
    try:
        text, entities = parse_html(source)
    except HtmlError:
        return
    assert all(e["offset"] + e["length"] <= utf16_length(text) for e in entities)
