"""Every card of an account's own figures, with a hostile string in each place for one.

Called by tests/bot/test_every_card.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

from bot.cards import Card
from bot.insights import cards, file_cards, sync_cards, table_cards, words
from bot.insights.places import Place
from services.insights.best import Board, Share
from services.insights.digest import Digest
from services.insights.figures import Figure, Span
from services.insights.looking import ENGAGED, FOLLOWERS, HEADLINES, Audience, Best, Overview, Sight
from services.insights.metrics import AUDIENCES, BY_KEY
from services.insights.pages import Address
from services.insights.states import Reason, State, state_of
from services.sheets import Form
from storage.insight_pages import Page
from storage.insights import InsightAccount
from storage.syncs import SyncResult
from tests.bot.factories import NOW, user
from tests.bot.insights import factories as make

BIG = 1_000_000_000
LATER = NOW + timedelta(days=9)
SOMEBODY = user(zone="Asia/Kathmandu")
PLACE = Place(BIG, 90, "follows_and_unfollows")


def insight_cards(text: str) -> Iterator[Card]:
    yield from _charts(text)
    yield from _tables(text)
    yield from _syncs(text)
    yield from _taking(text)


def _charts(text: str) -> Iterator[Card]:
    mine = make.account(id=BIG, username=text)
    yield cards.nothing_connected()
    yield cards.nothing_read(mine)
    for key, told in product(words.NAMES, (BIG, None)):
        yield cards.chart(_sight(mine, key, told, text), SOMEBODY, LATER, several=True)
    gone = make.account(username=text, meta_id=None, user_id=7)
    yield cards.chart(make.sight("reach", [], of=gone), SOMEBODY, NOW, several=False)
    for more in (True, False):
        yield cards.metrics(PLACE, more=more)
    yield cards.accounts(PLACE, [mine, gone] * 30, SOMEBODY)


def _sight(mine: InsightAccount, key: str, told: int | None, text: str) -> Sight:
    """`told` None: Meta tells nothing, and says why in its own words."""
    reason = "removed" if key in HEADLINES else "too_few"
    rows = [
        make.value(key, ago, None, reason=reason, said=text)
        if told is None or ago == 5
        else make.value(key, ago, float(told + ago), revision=1)
        for ago in range(-1, 60)
    ]
    state = "done" if told else "failed" if reason == "removed" else "running"
    last = make.sync(state=state, message=text, error="TokenRefused")
    return make.sight(key, rows, 28, of=mine, revisions=7, last=last)


def _figures(told: float | None) -> tuple[Figure, ...]:
    return tuple(
        make.figure_of(key, make.days(key, [told] * 50 + [(told or 0) / 3] * 6))
        for key in HEADLINES
    )


def _tables(text: str) -> Iterator[Card]:
    mine = make.account(id=BIG, username=text)
    span = Span.until(make.LAST, 28)
    tops = [make.top(text, permalink=text, kind=kind) for kind in ("REELS", "FEED", "STORY", text)]
    for told in (None, 0.0, float(BIG)):
        yield table_cards.overview(Overview(mine, 28, span, _figures(told), None), PLACE)
    for posts in (make.ranking(), make.ranking(of=4), make.ranking(*tops, tops[0], of=BIG)):
        yield table_cards.best(Best(mine, 28, span, posts, posts), PLACE, SOMEBODY)
        post = posts.top[0] if posts.top else None
        for told in (None, float(BIG)):
            told_of = Digest(mine, span, _figures(told), post, post, posts.of, posts.of)
            yield table_cards.digest(told_of, SOMEBODY)
    for who, reason in product((FOLLOWERS, ENGAGED), (None, *Reason)):
        yield table_cards.audience(Audience(mine, who, tuple(_boards(who, text, reason))), PLACE)


def _boards(who: str, text: str, reason: Reason | None) -> Iterator[Board]:
    for of in AUDIENCES:
        metric = BY_KEY[f"{who}.{of}"]
        shares = tuple(Share(name, BIG, 1.0) for name in (text, "F", "DE", "25-34", text))
        if reason is None:
            yield Board(metric, shares, BIG, 45, make.LAST, State.NUMBER, None, text, NOW)
        yield Board(metric, (), 0, 0, None, state_of(reason), reason, text, NOW)


def _syncs(text: str) -> Iterator[Card]:
    mine = make.account(id=BIG, username=text)
    results = [
        SyncResult(key, BIG, BIG, BIG, BIG, error, text)
        for key, error in zip(
            [*BY_KEY, "posts", text], (None, *words.BECAUSE, "KeyError") * 9, strict=False
        )
    ]
    for state, error, told in product(
        sync_cards.SIGNS, (None, "MetaRateLimited", "TokenRefused"), ([], results)
    ):
        view = make.view(
            *told, of=mine, id=BIG, state=state, error=error, message=text, next_step=text,
            requests=len(told), wait_until=LATER if state == "waiting" else None,
        )  # fmt: skip
        yield sync_cards.card(view, SOMEBODY, NOW)
        yield sync_cards.detail(view, SOMEBODY, LATER)
        yield sync_cards.log(mine, [view] * 6, 3, SOMEBODY, LATER, more=True)
    yield sync_cards.log(mine, [], 0, SOMEBODY, NOW, more=False)
    yield sync_cards.choose([mine] * 30)
    yield sync_cards.not_connected(text)
    yield sync_cards.forget_sure(mine)
    yield sync_cards.forget_sure(make.account(username=text, meta_id=None))
    yield sync_cards.forgotten(mine)
    yield sync_cards.permission(mine)


def _taking(text: str) -> Iterator[Card]:
    mine = make.account(id=BIG, username=text)
    one = Page(BIG, 1001, BIG, NOW, LATER, None)
    for url, public in (("http://127.0.0.1:1/insights/" + "x" * 22, False),
                        ("http://localhost:8000/insights/" + "x" * 22, True),
                        ("https://x.example/" + "x" * 300, True)):  # fmt: skip
        yield file_cards.page(Address(one, url), PLACE, SOMEBODY, public=public, others=2)
    yield file_cards.pages(mine, [one] * 50, PLACE, SOMEBODY)
    yield file_cards.revoke_sure(mine, 3, PLACE)
    yield file_cards.revoked(mine, PLACE)
    yield file_cards.nothing(PLACE)
    for form in Form:
        yield file_cards.too_large(form, PLACE)
        yield file_cards.posts_too_large(form, PLACE)
