"""What filters let through, as properties; what people type for them, as tables."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import BadInput
from services.importing.filters import (
    DAYS,
    MAX_TAGS,
    ImportFilters,
    from_json,
    passes,
    read_range,
    read_tags,
    to_json,
)
from services.instagram.posts import ListedPost, MediaSource

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
ZONE = "Europe/Berlin"

tags = st.sampled_from(("beats", "lofi", "jazz", "größe"))
days = st.dates(date(2025, 1, 1), date(2026, 4, 1))
filter_sets = st.builds(
    ImportFilters,
    kind=st.sampled_from((None, "video", "photo")),
    within=st.sampled_from((None, *DAYS)),
    since=st.none() | days,
    until=st.none() | days,
    tags=st.lists(tags, max_size=3, unique=True).map(tuple),
)


def listed(kinds: list[str], taken_at: datetime = NOW, caption: str = "") -> ListedPost:
    media = tuple(MediaSource(n, kind, "u", 1, 1) for n, kind in enumerate(kinds, 1))  # type: ignore[arg-type]
    kind = "carousel" if len(kinds) > 1 else "video" if kinds == ["video"] else "photo"
    return ListedPost("1", "C1", "7", "a", caption, taken_at, kind, media, {})  # type: ignore[arg-type]


posts = st.builds(
    listed,
    st.lists(st.sampled_from(("image", "video")), min_size=1, max_size=3),
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 4, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.lists(tags, max_size=3).map(lambda found: " ".join(f"#{tag.upper()}!" for tag in found)),
)


@given(posts)
def test_no_filter_lets_everything_through(post: ListedPost) -> None:
    assert passes(ImportFilters(), post, NOW, ZONE)


@given(filter_sets, posts)
def test_filters_agree_each_for_itself(filters: ImportFilters, post: ListedPost) -> None:
    alone = [
        ImportFilters(**{field.name: getattr(filters, field.name)}) for field in fields(filters)
    ]
    assert passes(filters, post, NOW, ZONE) == all(passes(one, post, NOW, ZONE) for one in alone)


@given(filter_sets, posts, st.sampled_from([field.name for field in fields(ImportFilters)]))
def test_loosening_never_leaves_out_more(
    filters: ImportFilters, post: ListedPost, name: str
) -> None:
    looser = replace(filters, **{name: getattr(ImportFilters(), name)})
    assert passes(looser, post, NOW, ZONE) or not passes(filters, post, NOW, ZONE)


@given(filter_sets, posts, tags)
def test_another_hashtag_never_leaves_out_more(
    filters: ImportFilters, post: ListedPost, tag: str
) -> None:
    if filters.tags and passes(filters, post, NOW, ZONE):
        assert passes(replace(filters, tags=(*filters.tags, tag)), post, NOW, ZONE)


@given(filter_sets)
def test_filters_are_stored_whole(filters: ImportFilters) -> None:
    stored = json.loads(json.dumps(to_json(filters)))
    assert from_json(stored) == filters
    assert bool(stored) == filters.any


@pytest.mark.parametrize(
    ("kind", "media", "through"),
    [
        ("video", ["video"], True),
        ("video", ["image"], False),
        ("video", ["image", "video"], True),
        ("photo", ["video"], False),
        ("photo", ["video", "image"], True),
    ],
)
def test_a_carousel_has_the_kinds_of_its_files(kind: str, media: list[str], through: bool) -> None:
    assert passes(ImportFilters(kind=kind), listed(media), NOW, ZONE) is through  # type: ignore[arg-type]


def test_days_are_those_of_the_persons_zone() -> None:
    late = listed(["image"], datetime(2026, 3, 9, 23, 30, tzinfo=UTC))  # the 10th in Berlin
    ninth = ImportFilters(since=date(2026, 3, 9), until=date(2026, 3, 9))
    assert passes(ninth, late, NOW, "UTC")
    assert not passes(ninth, late, NOW, ZONE)


def test_the_last_week_goes_along_with_the_clock() -> None:
    post, week = listed(["image"], NOW - timedelta(days=6)), ImportFilters(within="week")
    assert passes(week, post, NOW, ZONE)
    assert not passes(week, post, NOW + timedelta(days=2), ZONE)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-01 … 2026-03-31", (date(2026, 1, 1), date(2026, 3, 31))),
        ("2026-03-31 - 2026-01-01", (date(2026, 1, 1), date(2026, 3, 31))),
        ("from 2026-02-28 to 2026-02-28", (date(2026, 2, 28), date(2026, 2, 28))),
        ("2026-01-01", (date(2026, 1, 1), None)),
    ],
)
def test_a_typed_range(text: str, found: tuple[date, date | None]) -> None:
    assert read_range(text) == found


@pytest.mark.parametrize(
    "text", ["", "last week", "2026-02-30", "01.02.2026", "2026-01-01 2026-01-02 2026-01-03"]
)
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(BadInput, match="can't read those dates"):
        read_range(text)


def test_typed_hashtags() -> None:
    assert read_tags("#Beats, lofi\n#beats  #Größe") == ("beats", "lofi", "größe")
    with pytest.raises(BadInput, match="no hashtags"):
        read_tags("# , !")
    with pytest.raises(BadInput, match="are the most"):
        read_tags(" ".join(f"#t{n}" for n in range(MAX_TAGS + 1)))


@given(st.text(max_size=300))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for read in (read_range, read_tags):
        with contextlib.suppress(BadInput):
            assert read(text)
