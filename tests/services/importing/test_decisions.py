"""The decisions of an import, as tables and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import (
    BadLink,
    Checkpoint,
    GalleryDlFailed,
    NotFound,
    OutOfCredits,
    PostGone,
    RateLimited,
    ReelayError,
    SessionRefused,
    StorageFailed,
    Unavailable,
    UpstreamChanged,
)
from services.importing.decisions import (
    BACKOFF,
    BATCH,
    MAX_PAGES,
    MAX_TRIES,
    Reason,
    Verdict,
    affordable,
    backoff,
    is_news,
    judge,
    minutes,
    wants_page,
    worth_telling,
)
from storage.import_items import Tally

counts = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (RateLimited(), Verdict.WAIT, Reason.RATE),
        (SessionRefused(), Verdict.PAUSE, Reason.COOKIES),
        (Checkpoint(), Verdict.PAUSE, Reason.CHECKPOINT),
        (OutOfCredits(missing=3), Verdict.PAUSE, Reason.CREDITS),
        (StorageFailed(), Verdict.PAUSE, Reason.STORAGE),
        (NotFound(), Verdict.FAIL, Reason.NOT_FOUND),
        (PostGone(), Verdict.FAIL, Reason.GONE),
    ],
)
@pytest.mark.parametrize("tries", [0, MAX_TRIES])
def test_what_does_not_depend_on_tries(
    error: ReelayError, verdict: Verdict, reason: Reason, tries: int
) -> None:
    assert judge(error, tries) == (verdict, reason)


@pytest.mark.parametrize("error", [Unavailable(), UpstreamChanged(), GalleryDlFailed()])
def test_three_tries_then_a_person(error: ReelayError) -> None:
    verdicts = [judge(error, tries)[0] for tries in range(4)]
    assert verdicts == [Verdict.WAIT, Verdict.WAIT, Verdict.PAUSE, Verdict.PAUSE]


def test_what_no_import_can_meet_passes_through() -> None:
    with pytest.raises(BadLink):
        judge(BadLink(), 0)


@given(counts)
def test_the_back_off_grows_and_stays(tries: int) -> None:
    assert backoff(tries) <= backoff(tries + 1) <= BACKOFF[-1]


@pytest.mark.parametrize(
    ("pending", "wanted", "limit", "more", "pages", "expected"),
    [
        (0, 0, 500, True, 0, True),
        (49, 49, 500, True, 3, True),
        (50, 50, 500, True, 3, False),  # the batch is full
        (0, 500, 500, True, 24, False),  # the limit is reached
        (0, 20, 500, False, 1, False),  # the list has ended
        (0, 0, 500, True, MAX_PAGES, False),
        (10, 10, 10, True, 1, False),  # a small limit is a small batch
    ],
)
def test_when_another_page_is_listed(
    pending: int, wanted: int, limit: int, more: bool, pages: int, expected: bool
) -> None:
    assert wants_page(pending, wanted, limit, more, pages) is expected


@given(st.integers(1, 600), st.integers(2, 50), st.integers(1, 600), st.integers(0, 600))
def test_an_import_lists_no_more_than_it_needs(
    size: int, page: int, limit: int, balance: int
) -> None:
    """Played to its end: every post up to the limit has its turn, each page is asked for once."""
    listed = taken = pages = missing = 0
    while True:
        while wants_page(listed - taken, listed, limit, pages * page < size, pages):
            pages += 1
            listed = min(size, pages * page, limit)
        try:
            batch = affordable(listed - taken, balance)
        except OutOfCredits as error:
            missing = error.missing
            break
        assert 0 <= batch <= min(BATCH, balance)
        if not batch:
            break
        taken, balance = taken + batch, balance - batch
    if missing:
        assert (balance, missing) == (0, listed - taken)
    else:
        assert taken == min(size, limit)
        assert pages == -(-taken // page)


@given(counts, st.floats(0, 60), counts)
def test_the_estimate_grows_with_the_posts(posts: int, gap: float, more: int) -> None:
    assert 1 <= minutes(posts, gap) <= minutes(posts + more, gap)


@pytest.mark.parametrize(
    ("known", "met", "passes", "expected"),
    [
        (False, None, True, True),
        (False, None, False, True),  # listed as filtered out
        (True, None, True, True),  # another collection brought it: listed, and free
        (False, False, True, False),  # gone, failed, or taken out of the library
        (False, True, True, True),  # the filters let it through by now
        (False, True, False, False),
        (True, True, True, False),
    ],
)
def test_what_a_refresh_lists(known: bool, met: bool | None, passes: bool, expected: bool) -> None:
    assert is_news(known, met, passes) is expected


@pytest.mark.parametrize(
    ("by_clock", "tally", "expected"),
    [
        (False, Tally(), True),
        (True, Tally(skipped=3, filtered=9), False),
        (True, Tally(saved=1), True),
        (True, Tally(failed=1), True),
        (True, Tally(gone=1), True),
    ],
)
def test_what_is_spoken_of(by_clock: bool, tally: Tally, expected: bool) -> None:
    assert worth_telling(by_clock, tally) is expected
