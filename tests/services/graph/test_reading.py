"""Answers are read strictly: times in every form, and no other error than MetaChanged."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import MetaChanged
from services.graph.reading import Fields, moment, number, parsed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("019aTZ:+-/ é", max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("x"), inner),
    max_leaves=4,
)
READERS = (
    Fields.text,
    Fields.optional_text,
    Fields.id,
    Fields.token,
    Fields.flag,
    Fields.count,
    Fields.optional_count,
    Fields.epoch,
    Fields.moment,
    Fields.optional_moment,
    Fields.fields,
    Fields.optional_fields,
    Fields.list,
    Fields.texts,
)


@given(st.dictionaries(st.just("x"), JSON), st.sampled_from(READERS))
def test_whatever_is_in_an_answer_only_one_error_comes_of_it(values, reader):
    with contextlib.suppress(MetaChanged):
        reader(Fields(values, "answer"), "x")


@given(
    st.integers(600_000_000, 4_000_000_000),
    st.integers(-14 * 60, 14 * 60),
)
def test_times_in_every_form(seconds, offset):
    naive = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    told = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    wanted = told.astimezone(UTC)
    assert moment(told.strftime("%Y-%m-%dT%H:%M:%S%z")) == wanted  # as Meta writes it
    assert moment(told.isoformat()) == wanted
    assert moment(naive.isoformat() + "Z") == naive.replace(tzinfo=UTC)
    assert moment(naive.isoformat()) == naive.replace(tzinfo=UTC)
    assert moment(told.isoformat()).tzinfo is UTC


@pytest.mark.parametrize("odd", ["", "yesterday", "0001-01-01T00:00:00+14:00", "2026-13-01"])
def test_what_is_no_time(odd):
    assert moment(odd) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, 12),
        (1.5, 1.5),
        ("12", 12),
        ("1.5", 1.5),
        (True, None),
        ("", None),
        ("many", None),
        ("nan", None),
        (float("inf"), None),
        (None, None),
        ({}, None),
    ],
)
def test_figures(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize("odd", [b"", b"<html>", b"\xff\xfe{", b"[" * 200_000, b"9" * 5000])
def test_what_is_no_json(odd):
    assert parsed(odd) is None
