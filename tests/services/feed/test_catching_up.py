"""How far back a timeline is read, whatever its pages hold and wherever the walk is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.feed.catching_up import MOST_PAGES, Chain, Step, follow, from_text, to_text
from services.instagram.mobile_timeline import FeedCursor, TimelinePage


def page(*, more: bool = True, cursor: FeedCursor | None = None) -> TimelinePage:
    return TimelinePage((), (), 0, 0, more, cursor)


def walk(known_at: int | None, pages: int, *, first: bool = False) -> tuple[int, bool]:
    """Over a timeline of so many pages, of which one holds a known post: (pages read, gap)."""
    chain: Chain | None = Chain()
    read = 0
    gap = False
    while chain is not None:
        read += 1
        cursor = FeedCursor(str(read), tuple(f"{n}_9" for n in range(read)))
        # what the walk itself has brought is known too by the time that it is cut and taken up
        known = {"old"} if read == known_at else set()
        step = follow(chain, page(more=read < pages, cursor=cursor), known, first=first)
        chain, gap = from_text(to_text(step.chain)) if step.chain else None, step.gap
    return read, gap


@given(st.integers(1, 9), st.none() | st.integers(1, 9), st.booleans())
def test_a_walk_ends_at_what_is_known_or_says_that_it_did_not(
    pages: int, known_at: int | None, first: bool
) -> None:
    read, gap = walk(known_at, pages, first=first)
    end = min(pages, known_at or pages)
    assert read == min(end, MOST_PAGES)
    assert gap == (end > MOST_PAGES and not first)


def test_pages_that_come_again_lead_nowhere() -> None:
    chain = Chain(FeedCursor("a", ("41_9", "42_9")), 1)
    assert follow(chain, page(cursor=FeedCursor("b", ())), {"41"}, first=False) == Step(None, True)
    assert follow(chain, page(cursor=FeedCursor("b", ())), {"40"}, first=False) == Step(None)


def test_an_end_that_instagram_hides_is_a_gap() -> None:
    assert follow(Chain(), page(cursor=None), set(), first=False) == Step(None, gap=True)
    assert follow(Chain(), page(cursor=None), set(), first=True) == Step(None)
    assert follow(Chain(), page(more=False), set(), first=False) == Step(None)


@given(st.text(), st.lists(st.text()), st.integers(0, 9))
def test_a_place_is_stored_whole(max_id: str, seen: list[str], pages: int) -> None:
    chain = Chain(FeedCursor(max_id, tuple(seen)), pages)
    assert from_text(to_text(chain)) == chain
    assert (to_text(Chain()), to_text(None), from_text(None)) == (None, None, Chain())
