"""Every card of the analysis, with a hostile string in each place for one.

Called by tests/bot/test_every_card.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

from bot.analysis import cards, compare_cards, export_cards, result_cards
from bot.cards import Card
from services.analysis.compare import Snapshot, changes, side_by_side
from services.analysis.exports import Made
from services.analysis.looking import Pair, Sight, Since
from services.analysis.reports import Address
from services.analysis.service import TooManyToday
from services.errors import NotAllowed
from services.sheets import Form
from storage.reports import Report
from tests.bot.analysis import factories as make
from tests.bot.factories import NOW, user

BIG = 1_000_000_000
LATER = NOW + timedelta(days=9)
SOMEBODY = user(zone="Asia/Kathmandu")
ERRORS = (None, *cards.TRY_AGAIN, *cards.CHECKS, *cards.SLOW, "SessionRefused", "TokenRefused")


def analysis_cards(text: str) -> Iterator[Card]:
    yield from texts(text)
    for one in sights(text):
        yield from pictured(one)
    yield from _taking(text)


def texts(text: str) -> Iterator[Card]:
    for state, error, source in product(cards.SIGNS, ERRORS, ("app", "meta")):
        shown = make.view(
            text,
            id=BIG,
            state=state,
            error=error,
            message=text,
            next_step=text,
            source=source,
            asked=text,
            username=None if state == "pending" else text,
            listed=BIG,
            unread=BIG,
            media_count=BIG,
            wait_until=LATER if state == "waiting" else None,
        )
        yield cards.card(shown, SOMEBODY, NOW + timedelta(minutes=1))
    ended = make.view(text, id=BIG, asked=text, username=text)
    yield cards.ask([])
    yield cards.ask([ended] * 30)
    yield cards.offer(ended, SOMEBODY, LATER)
    yield cards.too_many(TooManyToday(10, LATER), SOMEBODY, NOW)
    yield cards.no_account(NotAllowed(text, text))
    yield cards.delete_sure(ended, 3)
    yield cards.deleted(text)
    yield cards.reports([], 0, SOMEBODY, NOW, more=False)
    yield cards.reports([ended] * 8, 7, SOMEBODY, LATER, more=True)


def sights(text: str) -> Iterator[Sight]:
    """The widest, one that says little, and one of nothing that is told."""
    words = {"hashtags": (text, *"abcdefghij"), "mentions": (text, *"abcdefghij")}
    wide = [
        make.reel(n, plays=BIG * (n % 3 + 1) ** 4, caption=text, shortcode=text, **words)
        for n in range(-3, 60)
    ]
    told = {"full_name": text, "username": text, "asked": "x" * 30, "id": BIG, "unread": BIG}
    for state in ("completed", "canceled"):
        shown = make.view(
            text, state=state, followers=BIG, more=True, not_by_meta="not_found", **told
        )
        yield make.sight(wide, shown=shown, zone="Asia/Kathmandu")
    yield make.sight([replace(wide[-1], likes=None)], shown=make.view(text, source="meta", **told))
    yield make.sight(
        [make.reel(n, plays=None, likes=None, comments=None) for n in range(20)],
        shown=make.view(text, followers=None, **told),
    )
    yield make.sight([make.reel(n, plays=0) for n in range(20)])


def pictured(one: Sight) -> Iterator[Card]:
    """Those below a picture: at most 1,024 units."""
    for person in (SOMEBODY, user(dark_charts=True)):
        yield result_cards.result(one, person, LATER)
    for write in (
        result_cards.top,
        result_cards.tiers,
        result_cards.trend,
        result_cards.when,
        result_cards.hashtags,
        result_cards.mentions,
    ):
        yield write(one, SOMEBODY)
    before = Snapshot(replace(one.profile, username="y" * 30), one.reels[5:], NOW, complete=True)
    rest = [replace(reel, plays=(reel.plays or 0) + BIG) for reel in one.reels[:-4]]
    now = Snapshot(one.profile, rest, LATER, complete=True)
    since = Since(one.view.item, changes(before, now))
    yield compare_cards.since(one, since, SOMEBODY, LATER)
    other = make.sight()
    for left, right in ((one, other), (other, one)):
        pair = Pair(left, right, side_by_side(left.figures, right.figures))
        yield compare_cards.beside(pair, SOMEBODY)
    yield compare_cards.ask(one.view, [])
    yield compare_cards.ask(one.view, [one.view] * 30)
    yield export_cards.fields(one.view, 0)
    yield export_cards.fields(one.view, export_cards.ALL)
    made = Report(BIG, 1001, BIG, NOW, LATER, None)
    yield export_cards.pages(one.view, [made] * 50, SOMEBODY)
    yield export_cards.revoke_sure(one.view, 3)
    yield export_cards.revoked(one.view)
    yield cards.delete_sure(one.view, 1)


def _taking(text: str) -> Iterator[Card]:
    ended = make.view(text, id=BIG, asked=text, username=text)
    yield compare_cards.not_there("a" * 30, ended)
    report = Report(BIG, 1001, BIG, NOW, LATER, None)
    for url, public in (("http://127.0.0.1:1/reports/" + "x" * 22, False),
                        ("http://localhost:8000/reports/" + "x" * 22, True),
                        ("https://x.example/" + "x" * 300, True)):  # fmt: skip
        address = Address(report, url)
        yield export_cards.page(address, SOMEBODY, public=public, others=2)
    names = {BIG: text}
    for form in Form:
        yield export_cards.building(ended, form)
        made = Made(BIG, BIG, form, text, "k", BIG, NOW, LATER)
        yield export_cards.files([made] * 20, names, SOMEBODY, LATER)
        yield export_cards.files([replace(made, analysis_id=1)], {}, SOMEBODY, NOW)
        yield export_cards.ready(form, BIG, text, None, fits=True)
        for link in (None, "http://localhost/downloads/x", "https://x.example/downloads/x"):
            yield export_cards.ready(form, BIG, text, link, fits=False)
    yield export_cards.files([], {}, SOMEBODY, NOW)
    yield export_cards.stopped(was=True)
    yield export_cards.stopped(was=False)
    yield export_cards.failed()
