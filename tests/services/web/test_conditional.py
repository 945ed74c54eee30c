"""Conditional and range requests, as RFC 9110 has them and as readers send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.conditional import (
    Span,
    Unsatisfiable,
    etag_of,
    gzip_etag,
    http_date,
    http_date_of,
    is_fresh,
    is_refused,
    parse_range,
    takes_gzip,
    wanted_span,
)

ETAG = '"abc"'
CHANGED = datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC)
THEN, BEFORE, AFTER = (
    "Fri, 20 Nov 2026 12:00:00 GMT",
    "Fri, 20 Nov 2026 11:59:59 GMT",
    "Fri, 20 Nov 2026 12:00:01 GMT",
)


@pytest.mark.parametrize(
    ("tags", "since", "fresh"),
    [
        (None, None, False),
        ('"abc"', None, True),
        ('W/"abc"', None, True),  # the comparison is weak
        ('"abc-gzip"', None, True),  # what it got was compressed
        ('W/"abc-gzip"', None, True),  # and went through a proxy
        ('"x", W/"y" ,"abc"', None, True),
        ('"x","y"', None, False),
        ("*", None, True),
        (" * ", None, True),
        ("abc", None, True),  # readers forget the quotes
        ("x, W/abc", None, True),
        ('"ABC"', None, False),
        ('""', None, False),
        ("", None, False),
        (",,,", None, False),
        ('"*"', None, True),
        ('"x, *', None, False),
        ('"a,b", "abc"', None, True),  # a comma inside a tag
        (None, THEN, True),
        (None, AFTER, True),
        (None, BEFORE, False),
        (None, "yesterday", False),
        (None, "Friday, 20-Nov-26 12:00:00 GMT", True),  # RFC 850
        (None, "Fri Nov 20 12:00:00 2026", True),  # asctime
        (None, "Fri, 20 Nov 2026 13:00:00 +0100", True),
        ('"old"', AFTER, False),  # the tag decides alone
        ('"abc"', BEFORE, True),
        ("", AFTER, False),
    ],
)
def test_does_the_client_hold_it(tags: str | None, since: str | None, fresh: bool) -> None:
    headers = {"If-None-Match": tags, "If-Modified-Since": since}
    sent = {name: value for name, value in headers.items() if value is not None}
    assert is_fresh(sent, ETAG, CHANGED) is fresh


@pytest.mark.parametrize(
    ("tags", "until", "refused"),
    [
        (None, None, False),
        (ETAG, None, False),
        ('"x", "abc"', None, False),
        ('"abc-gzip"', None, False),
        ("*", None, False),
        ('"old"', None, True),
        ('"old", W/"abc"', None, True),  # the comparison is strong
        ("abc", None, False),  # no tag: can't be understood
        (None, THEN, False),
        (None, AFTER, False),
        (None, BEFORE, True),
        (None, "yesterday", False),
        (ETAG, BEFORE, False),  # the tag decides alone
        ('"old"', AFTER, True),
    ],
)
def test_does_the_client_want_another_version(
    tags: str | None, until: str | None, refused: bool
) -> None:
    headers = {"If-Match": tags, "If-Unmodified-Since": until}
    sent = {name: value for name, value in headers.items() if value is not None}
    assert is_refused(sent, ETAG, CHANGED) is refused


def test_without_a_date_of_change_a_date_proves_nothing() -> None:
    assert not is_fresh({"If-Modified-Since": AFTER}, ETAG, None)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_sent_it_has_an_answer(tags: str, since: str) -> None:
    is_fresh({"If-None-Match": tags}, ETAG, CHANGED)
    is_refused({"If-Match": tags}, ETAG, CHANGED)
    is_fresh({"If-Modified-Since": since}, ETAG, CHANGED)
    takes_gzip(tags)
    wanted_span({"Range": tags, "If-Range": since}, 10, ETAG, CHANGED)
    parse_range("bytes=" + tags, 10)


def test_the_same_bytes_have_the_same_tag() -> None:
    assert etag_of(b"a") == etag_of(b"a") != etag_of(b"b")
    assert gzip_etag(ETAG) == '"abc-gzip"'


def test_a_date_is_to_the_second() -> None:
    assert http_date_of(CHANGED) == http_date_of(CHANGED - timedelta(milliseconds=400)) == THEN
    assert http_date(http_date_of(CHANGED)) == CHANGED.replace(microsecond=0)


@pytest.mark.parametrize("text", [None, "", "never", "Fri, 99 Nov 2026 12:00:00 GMT", "1" * 99])
def test_what_is_no_date(text: str | None) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("accepted", "gzip"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5, br", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("identity, gzip;q=0.5", False),
        ("gzip; q=0.8, identity; q=0.2", True),
        ("identity;q=0, gzip;q=0.001", True),
        ("identity;q=0", False),  # nothing is welcome: plain bytes are the least surprise
        ("*;q=0, gzip", True),
        ("gzip;q=abc", False),
        ("br", False),
    ],
)
def test_is_gzip_welcome(accepted: str, gzip: bool) -> None:
    assert takes_gzip(accepted) is gzip


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, None),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-9", Span(0, 10)),
        ("bytes=0-99", Span(0, 10)),
        ("bytes=3-", Span(3, 10)),
        ("bytes=9-", Span(9, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-99", Span(0, 10)),
        (" BYTES = 2 - 4 ", Span(2, 5)),
        ("bytes=10-", Unsatisfiable(10)),
        ("bytes=99-100", Unsatisfiable(10)),
        ("bytes=-0", Unsatisfiable(10)),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-1,4-5", None),  # several parts: the whole is a right answer too
        ("items=0-1", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("0-1", None),
    ],
)
def test_which_part(asked: str | None, given: object) -> None:
    assert parse_range(asked, 10) == given


def test_of_nothing_there_is_no_part() -> None:
    assert parse_range("bytes=0-", 0) == parse_range("bytes=-5", 0) == Unsatisfiable(0)


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        (ETAG, True),
        ('"old"', False),
        ('W/"abc"', False),  # the comparison is strong
        (THEN, True),
        (AFTER, False),
        ("", False),
        ("abc", False),
    ],
)
def test_a_part_of_the_same_version_only(condition: str, same: bool) -> None:
    headers = {"Range": "bytes=2-4", "If-Range": condition}
    assert wanted_span(headers, 10, ETAG, CHANGED) == (Span(2, 5) if same else None)
    assert wanted_span(headers, 10, f"W/{ETAG}", None) is None
