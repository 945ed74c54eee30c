"""Every card of stories and of log-ins at Meta, with a hostile string in each place for one.

Called by tests/bot/test_every_card.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

from bot.accounts import meta as meta_cards
from bot.cards import Card, button
from bot.stories import cards, item_cards, list_cards, notices, schedule_cards, words
from services.errors import AppMissing, TokenRefused
from services.graph.wire import Flavour
from services.media.story import Note, Reason, Way
from services.stories.library import Browse, Twin
from services.stories.machine import State
from services.stories.planning import Week
from services.stories.preflight import Line, Mark
from services.stories.schedule import Turn
from services.stories.views import Which
from storage.stories import Event, Figure
from storage.story_accounts import Blackout, Category, Slot
from storage.story_history import Tally
from tests.bot.factories import NOW
from tests.bot.stories import factories as make

BIG = 1_000_000_000
LATER = NOW + timedelta(days=9)


def story_cards(text: str) -> Iterator[Card]:
    yield from pictured(text)
    yield from _whole(text)
    yield from _lists(text)
    yield from _items(text)
    yield from _schedule(text)
    yield from _notices(text)
    yield from _meta(text)


def pictured(text: str) -> Iterator[Card]:
    """Those that may stand below a picture: at most 1,024 units."""
    lines = [
        Line(about, mark, word, number=BIG, total=BIG, at=NOW, detail=text)
        for (about, word), mark in zip(list(words.LINES)[::5], list(Mark) * 3, strict=False)
    ]
    figures = [Figure(hour, name, BIG, None) for hour in (1, 6, 23) for name in ("reach", "views")]
    for state, kind, doubtful in product(State, ("photo", "video"), (False, True)):
        story = make.story(
            id=BIG,
            state=state,
            kind=kind,
            name=text,
            note=text,
            detail=text,
            decided_by=1,
            decided_at=NOW,
            due_at=LATER,
            next_at=LATER,
            ended_at=NOW,
            permalink="https://www.instagram.com/stories/mia/1/" if doubtful else "",
            zone="Asia/Kathmandu",
        )
        category = Category(4, 2, text, 1, "ask")
        view = make.story_view(
            story=story,
            item=make.item(interactive=True, note=text),
            category=category,
            decided_by=text,
            figures=figures,
            doubtful=doubtful,
        )
        yield cards.story_card(view, NOW, lines)
        if state is State.BY_HAND:
            yield cards.story_card(view, NOW, link="https://reelay.example/downloads/x")
            yield cards.taken(view, NOW)
            yield cards.not_now(view)
    gone = make.item(name=text, last_used_at=NOW, removed_at=NOW)
    everything = [*Way, *Note]
    for name in ("fitting", "ready", "unfit"):
        item = make.item(
            id=BIG,
            state=name,
            name=text,
            note=text,
            done=everything[:9],
            problem="too_long:75.2:60",
            locked=True,
            last_used_at=NOW,
            uses=BIG,
            interactive=True,
        )
        for twins, story_id in (([Twin(gone, exact=True)] * 9, BIG), ([], None)):
            view_ = make.item_view(item=item, twins=twins, story_id=story_id, category=None)
            yield item_cards.item_card(view_, NOW, known=bool(twins))
    for reason in Reason:
        yield item_cards.item_card(
            make.item_view(item=make.item(state="unfit", problem=reason.value)), NOW
        )
    yield item_cards.categories(make.item(id=BIG), [Category(BIG, 2, text or "x", 1, "ask")] * 9)
    yield item_cards.locks(make.item(id=BIG))
    yield item_cards.ask_note(make.item(note=text))
    yield cards.ask_when("Asia/Kathmandu", button("‹ Back", "item", "open", BIG))


def _whole(text: str) -> Iterator[Card]:
    """With the longest caption that there can be, in a message of its own."""
    note = (text * 3000)[:1100]
    story = make.story(state=State.BY_HAND, note=note, detail=text, decided_by=1, decided_at=NOW)
    view = make.story_view(story=story, decided_by=text)
    yield cards.story_card(view, NOW, whole=True)


def _lists(text: str) -> Iterator[Card]:
    stories = [
        make.story(id=BIG, state=state, name=text, decided_by=1, ended_at=NOW, detail=text)
        for state in State
    ]
    accounts = [make.account(id=BIG, name=text), make.account(id=BIG + 1, name=text or "x")]
    tally = Tally(BIG, BIG, BIG, BIG, BIG, BIG)
    for which in Which:
        yield list_cards.listing(
            make.listing(
                account=accounts[0],
                accounts=accounts,
                which=which,
                stories=stories[:6],
                names={1: text},
                page=3,
                total=BIG,
                tally=tally,
            ),
            NOW,
        )
        yield list_cards.listing(
            make.listing(which=which, stories=stories[6:], names={1: text}), NOW
        )
        yield list_cards.listing(make.listing(which=which, stories=[], total=0), NOW)
    events = [Event(NOW, what, 1, text) for what in (*cards.EVENTS, text)]
    yield cards.history(make.story_view(history=events, names={1: text}), NOW)
    yield cards.history(make.story_view(), NOW)


def _items(text: str) -> Iterator[Card]:
    places = [make.account(id=BIG + n, name=text) for n in range(10)]
    yield item_cards.ask(places, places[0])
    yield item_cards.ask(places[:1], places[0])
    yield item_cards.fetching(text)
    yield item_cards.fetching(text, places[0])
    yield item_cards.fetching_album(places[0])
    done = [one.value for one in (*Way, *Note)]
    states = ("ready", "unfit", "fitting")
    sent = [
        make.item_view(
            item=make.item(id=BIG + n, name=text, state=state, source="compressed", done=done)
        )
        for state in states
        for n in range(4)
    ]
    yield item_cards.album(sent, frozenset([BIG]))
    yield item_cards.album([])
    yield item_cards.too_large(BIG, leads=True)
    yield item_cards.too_large(BIG, leads=False)
    yield item_cards.lost(text)
    yield item_cards.folder(text, text)
    yield item_cards.folder(text, text, stored=True)
    yield item_cards.removed(make.item(name=text))
    known = [Category(BIG + n, 2, text or "x", 1, "ask") for n in range(12)]
    items = [make.item(id=BIG, name=text, state=state) for state in ("fitting", "ready", "unfit")]
    account = make.account(id=BIG)
    yield item_cards.browse(Browse(account, known, known[0], items * 2, 7, BIG), NOW)
    yield item_cards.browse(Browse(account, [], None, [], 0, 0), NOW)


def _schedule(text: str) -> Iterator[Card]:
    account = make.account(id=BIG, name=text, zone="Asia/Kathmandu")
    known = [Category(BIG + n, BIG, text or "x", n, "automatic") for n in range(12)]
    item = make.item(name=text)
    turns = [
        Turn(NOW + timedelta(hours=n), known[1], known[2], item if n % 2 else None)
        for n in range(150)
    ]
    slots = [Slot(BIG + n, n % 7, n * 14) for n in range(100)]
    off = [Blackout(BIG, date(2026, 11, 21), date(2026, 11, 22))] * 50
    runway = {one.id: days for one, days in zip(known, (None, 0, 1, 40), strict=False)}
    queued = [make.story(name=text)] * 100
    full = Week(account, known, slots, off, turns, queued, runway)
    yield schedule_cards.week(full, NOW, make.meta())
    yield schedule_cards.week(Week(account, [], [], [], [], [], {}), NOW, None)
    yield schedule_cards.slots(account, slots)
    yield schedule_cards.slots(account, [])
    yield schedule_cards.categories(account, known)
    yield schedule_cards.categories(account, [])
    yield schedule_cards.category(known[0], account)
    yield schedule_cards.drop_category(known[0])
    yield schedule_cards.days_off(account, off)
    yield schedule_cards.days_off(account, [])
    yield schedule_cards.more(account)
    yield schedule_cards.ask_zone(account)
    yield schedule_cards.choose_rest(account)
    yield schedule_cards.choose_ask(account)


def _notices(text: str) -> Iterator[Card]:
    yield notices.runway({text: 0, "Promo": 3}, BIG)
    yield notices.runway({}, BIG)
    yield notices.slot_empty("Sat 21 Nov 14:05", BIG)
    yield notices.meta_refused(text, text, text)
    yield notices.meta_expiring(text, 3)


def _meta(text: str) -> Iterator[Card]:
    accounts = [
        make.meta(id=BIG, username=text or "x", scopes=[text] * 20, problem=text),
        make.meta(account_type="MEDIA_CREATOR", flavour="facebook", unlimited=True),
        make.meta(account_type="", expires_at=None, scopes=[]),
    ]
    yield meta_cards.ASK_TOKEN
    yield meta_cards.overview(accounts, "UTC")
    yield meta_cards.overview([], "UTC")
    yield meta_cards.follow(Flavour.FACEBOOK, "https://www.facebook.com/v25.0/dialog/oauth")
    yield meta_cards.no_app(AppMissing())
    yield meta_cards.connected(accounts, "UTC", gone=True)
    yield meta_cards.refused(TokenRefused(text, text), gone=False)
    for account in accounts:
        yield meta_cards.one(account, "UTC")
        yield meta_cards.sure(account)
        yield meta_cards.forgotten(account)
