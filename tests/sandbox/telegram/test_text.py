"""Trimming, limits, and the entities that Telegram finds by itself."""

from __future__ import annotations

import pytest

from sandbox.telegram.errors import ApiError
from sandbox.telegram.text import ENTITY_LIMIT, checked, parse, plain


def found(text: str) -> list[tuple[str, str]]:
    return [(e["type"], text[e["offset"] :][: e["length"]]) for e in plain(text).entities]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("/start abc", [("bot_command", "/start")]),
        ("/start@my_bot", [("bot_command", "/start@my_bot")]),
        ("try /help, /feed", [("bot_command", "/help"), ("bot_command", "/feed")]),
        ("a/b 1/2 //x", []),
        ("see https://x.org/a_b/?c=1.", [("url", "https://x.org/a_b/?c=1")]),
        ("(instagram.com/mia/saved)", [("url", "instagram.com/mia/saved")]),
        ("http://127.0.0.1:80/x", [("url", "http://127.0.0.1:80/x")]),
        ("by @mia #reels #12", [("mention", "@mia"), ("hashtag", "#reels")]),
        ("mia@x.org", [("email", "mia@x.org")]),
    ],
)
def test_finds_entities(text: str, entities: list[tuple[str, str]]) -> None:
    assert found(text) == entities


def test_nothing_is_found_inside_code_and_links() -> None:
    kinds = [e["type"] for e in parse("<code>/x @mia</code>", "HTML").entities]
    assert kinds == ["code"]
    kinds = [e["type"] for e in parse('<a href="https://a.org">https://b.org</a>', "HTML").entities]
    assert kinds == ["text_link"]


def test_code_cuts_bold_into_pieces() -> None:
    content = parse("<b>a<code>b</code>c</b>", "html")
    assert [(e["type"], e["offset"], e["length"]) for e in content.entities] == [
        ("bold", 0, 1),
        ("code", 1, 1),
        ("bold", 2, 1),
    ]


def test_trims_both_ends_and_moves_the_entities() -> None:
    content = parse("\n  <b> 😀 x </b>\n", "HTML")
    assert content.text == "😀 x"
    assert content.entities == [{"type": "bold", "offset": 0, "length": 4}]


def test_limits_count_after_parsing_in_utf16_units() -> None:
    assert checked(parse(f"<b>{'😀' * 2048}</b>", "HTML"), 4096, "message").text
    with pytest.raises(ApiError, match="message is too long"):
        checked(parse("😀" * 2048 + "x", "HTML"), 4096, "message")


def test_refuses_too_many_marks_of_ones_own_but_not_found_ones() -> None:
    with pytest.raises(ApiError, match="ENTITIES_TOO_LONG"):
        checked(parse("<b>x</b> " * (ENTITY_LIMIT + 1), "HTML"), 4096, "message")
    assert len(checked(plain("/x " * 200), 4096, "message").entities) == ENTITY_LIMIT


def test_refuses_raw_text_above_32_kib_and_other_parse_modes() -> None:
    with pytest.raises(ApiError, match="Bad Request: text is too long"):
        parse("x" * 32_769, "")
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        parse("*x*", "MarkdownV2")
