"""Whom a person wants analysed, however they write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analysis.names import read_name
from services.errors import BadInput


@pytest.mark.parametrize(
    "text",
    [
        "studio.okra",
        "@Studio.Okra",
        " @studio.okra, ",
        "instagram.com/studio.okra",
        "https://www.instagram.com/Studio.Okra/?igsh=MWx&x=1",
        "http://m.instagram.com/studio.okra/reels/",
        "https://instagram.com/stories/studio.okra/3141/",
        "<https://www.instagram.com/studio.okra>",
    ],
)
def test_every_spelling_is_the_same_name(text: str) -> None:
    assert read_name(text) == "studio.okra"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Whom"),
        ("neonloops quietframes", "one profile"),
        ("https://www.instagram.com/", "front page"),
        ("https://www.instagram.com/reel/C1abcDEF/", "of a post"),
        ("https://www.instagram.com/explore/tags/x/", "not a profile"),
        ("https://www.tiktok.com/@neonloops", "tiktok.com"),
        ("mia@example.org", "not a user name"),
        ("a" * 31, "not a user name"),
        ("http://[", "not a user name"),
    ],
)
def test_what_is_none_is_said(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        read_name(text)
    assert caught.value.next_step


@given(st.text(max_size=60) | st.from_regex(r"(https?://)?[a-z.]{1,20}/[^ ]{0,30}"))
def test_what_comes_out_is_a_name_and_nothing_else(text: str) -> None:
    try:
        name = read_name(text)
    except BadInput:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._")
    assert 1 <= len(name) <= 30
