"""All cards of all screens, with hostile strings in them, as Telegram itself would check them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from bot import callbacks, menu, notices
from bot.accounts import admin, connect, credits, login, preferences, privacy
from bot.cards import LIMIT, Card
from bot.feed import cards as feed
from bot.feed import settings_cards as feed_settings
from bot.feed import story_cards
from bot.importing import cards, collection_cards, library_cards
from bot.router import error_card
from sandbox.telegram.html import checked_link, parse_html, utf16_length
from services.errors import BadInput, ReelayError
from services.feed.readers import Opened
from services.feed.retention import CHOICES, Kept
from services.feed.status import FeedStatus, Overview, Stories
from services.importing.decisions import Reason
from services.importing.harmony import KEYS
from services.importing.library import Choices, Shelf
from services.web.webhooks import Made
from storage.audit import Entry
from storage.credits import Audit, Line
from storage.feed_status import Holdings
from storage.feeds import Feed
from storage.followed_stories import Tally as StoryTally
from storage.import_items import Tally
from storage.library import Filters
from storage.readers import Reader
from storage.retention import Excess, Policy
from storage.webhooks import Webhook
from tests.bot.analysis.every import analysis_cards
from tests.bot.factories import (
    HOSTILE,
    NOW,
    collection,
    collection_view,
    connection,
    imported,
    outcome,
    photo,
    post,
    sample,
    silent_film,
    user,
    view,
)
from tests.bot.insights.every import insight_cards
from tests.bot.stories.every import story_cards as cards_of_stories
from tests.support.feeds import WELL

TALLIES = (
    Tally(),
    Tally(pending=60, saved=50, skipped=4, gone=4, failed=2, dropped=9, held=50),
    Tally(saved=1, skipped=1, filtered=7),
)
BIG = 1_000_000_000


def import_cards(title: str) -> Iterator[Card]:
    for state, reason, tally, more in product(
        cards.STATES, (None, *Reason), TALLIES, (False, True)
    ):
        shown = view(
            tally,
            state=state,
            reason=reason,
            more=more,
            title=title,
            detail=title,
            account=title,
            id=BIG,
            balance=BIG,
            failures={title: 3, "short": 1},
            wait_until=NOW + timedelta(days=1),
            by_clock=more,
            pages=int(more),
            filters={"tags": [title]},
        )
        yield cards.card(shown, user(zone="Asia/Kathmandu"), NOW, 9.0)
        if reason is None:
            yield cards.stop_question(shown)
            yield cards.result(shown)
            yield cards.jobs([shown] * 8)
            listed = [outcome(shortcode=title, error=title)] * cards.FAILURES_SHOWN
            yield cards.failures(shown, listed)


def of_collections(text: str) -> Iterator[Card]:
    other = collection(id=BIG + 1, title=text, merged_into=BIG)
    filters = {"kind": "video", "within": "week", "since": "2026-01-01", "tags": ["x" * 100] * 20}
    for one, account, state in product(
        (
            collection(id=BIG, title=text),
            collection(id=BIG, title=text, refresh="weekly", refresh_at=NOW, filters=filters),
        ),
        (None, connection(username=text, status="expired"), connection(status="blocked")),
        (None, "offered", "running", "paused"),
    ):
        shown = collection_view(
            one,
            account=account,
            unfinished=imported(state=state, id=BIG) if state else None,
            failed=(BIG, 500),
            head=other,
            parts=[other] * 9,
        )
        yield collection_cards.card(shown, "Asia/Kathmandu", NOW)
        yield collection_cards.filters(shown)
    yield collection_cards.merge(other, [collection(title=text)] * 30)
    yield collection_cards.merge(other, [])
    yield collection_cards.listed([collection(id=BIG, title=text), *[other] * 29])
    yield collection_cards.listed([])
    yield collection_cards.ask_range(BIG)
    yield collection_cards.ask_tags(BIG, on=True)


def library(text: str) -> Iterator[Card]:
    filters = Filters("photo", text, text, BIG, (60, 90), KEYS[:4], NOW.isoformat(), text, (BIG,))
    posts = [post(id=BIG + n, author=text, caption=text, shortcode=text) for n in range(6)]
    choices = Choices([(text, BIG)] * 8, [(text, BIG)] * 8, [])
    for chosen, total in product((filters, Filters()), (0, BIG)):
        shown = Shelf(posts, {BIG: [sample()]}, chosen, 7, total, text)
        yield library_cards.shelf(shown)
        yield library_cards.filters(shown)
    for files in ([sample()], [photo(state="pending")], [silent_film()] * 20, []):
        text_and_keys = library_cards.caption(posts[0], files, "UTC")
        yield Card(text_and_keys, library_cards.sample_keys(posts[0], files))
    yield from (library_cards.authors(choices), library_cards.tags(choices))
    yield from (library_cards.tempos(), library_cards.keys(), library_cards.dates())
    yield library_cards.removed(posts[0])
    yield library_cards.sound_too_large(BIG, BIG)
    yield library_cards.too_large(BIG, "https://reelay.example/downloads/x", leads=False)
    yield library_cards.too_large(BIG, None, leads=True)


def account_cards(text: str) -> Iterator[Card]:
    somebody = user(name=text, username=text, credits=BIG, id=2**52, role="admin")
    accounts = [connection(username=text, status=status, id=BIG) for status in connect.STATUS]
    yield connect.ASK
    yield connect.accounts_card(accounts, "UTC")
    yield cards.needs_cookies(connection(username=text, candidate_fingerprint="7f"))
    told = {"username": text, "message": text, "next_step": text, "login_id": BIG}
    yield login.ask_name("a" * 30)
    yield login.already("a" * 30)
    yield login.ask_password(text)
    yield login.cancelled(text)
    yield login.app_only(text, told)
    yield login.refused_code(BIG, BadInput(text, text), False)
    yield login.too_late(False)
    for gone in (True, False, None):
        yield login.under_way(BIG, text, gone)
    for wants in ("app", "sms", "whatsapp", "email"):
        yield login.code_wanted({**told, "wants": wants})
    for why in ("app", "code", "network"):
        yield login.held({**told, "why": why})
    for of_settings in (True, False):
        yield login.failed({**told, "from_settings": of_settings})
    yield menu.home_card(somebody, accounts, text)
    yield menu.home_card(user(name=text, delete_after=NOW), [], text)
    yield menu.help_card(somebody)
    yield from map(menu.topic_card, menu.TOPICS)
    lines = [Line(NOW, "charge", -BIG, text)] * 9
    yield credits.history_card(BIG, "UTC", lines, 3)
    yield credits.history_card(0, "UTC", [], 0)
    yield credits.audit_card(Audit(BIG, BIG, BIG, BIG, BIG))
    yield preferences.overview(user(quiet_from=22, quiet_until=8, muted=("alerts",)))
    yield preferences.zones_card(text)
    yield preferences.quiet_card(somebody)
    yield preferences.notices_card(somebody)
    yield privacy.overview(user(delete_after=NOW), BIG, BIG, NOW)
    yield privacy.overview(somebody, 0, 0, NOW)
    yield privacy.warning(somebody, BIG)


def admin_cards(text: str) -> Iterator[Card]:
    somebody = user(name=text, username=text, credits=BIG, id=2**52, status="blocked")
    yield admin.people_card([somebody] * 30, 1)
    yield admin.person_card(somebody, user(role="owner", id=1))
    yield admin.invitation_card(
        "https://t.me/bot?start=" + "x" * 22, "member", text[:0] + "14:05", user(role="owner")
    )
    yield admin.invitation_card(
        "https://t.me/bot?start=" + "x" * 22, "admin", "14:05", user(role="owner")
    )
    stuck = view(state="paused", reason=Reason.UPSTREAM, title=text, account=text, id=BIG)
    yield admin.stuck_card([stuck] * 8, "UTC", NOW)
    yield admin.stuck_card([], "UTC", NOW)
    yield admin.audit_card([Entry(NOW, 2**52, text[:40], text)] * 9, 2, "UTC", NOW)
    yield admin.audit_card([], 0, "UTC", NOW)
    yield error_card(BadInput(text, text), "a1b2c3")
    yield error_card(ReelayError())
    yield notices.DELETED.card


def feed_cards(text: str) -> Iterator[Card]:
    zone, later = "Asia/Kathmandu", NOW + timedelta(days=9)
    one = Feed(BIG, 1, "posts", None, None, text, 1, NOW, NOW)
    hammering = Reader(BIG, 1, BIG, text, NOW, NOW, BIG, 1, None, NOW)
    silent = Reader(BIG, 1, BIG, text, NOW, None, 0, 0, None, None)
    hook = Webhook(BIG, BIG, "json", text, NOW, NOW, "http_500")
    held = Holdings(BIG, BIG, BIG, BIG, BIG * BIG)
    accounts = [
        replace(WELL, connection_id=BIG, username=text, state=state, ill=ill, ill_since=since)
        for state in ("off", "due", "running", "waiting", "ill")
        for ill, since in ((None, None), *((kind, NOW) for kind in notices.FEED_ILL))
    ]
    for some in (accounts[:1], accounts[5:6], accounts[9:], accounts[13:], accounts):
        view = Overview(some, [one], held, [silent], [hook])
        yield feed.overview(view, zone, NOW)
        yield feed.overview(view, zone, later)
    yield feed.overview(Overview(accounts[:1], [], None, [], []), zone, NOW)
    told = [
        replace(one, stories_at=NOW, stories_error=error)
        for one, error in zip(accounts, (None, *feed.FAILED, "KeyError"), strict=False)
    ]
    status = FeedStatus(one, accounts, held, StoryTally(BIG, BIG, BIG))
    for some in (accounts, told, told[1:]):
        yield story_cards.stories(Stories(some, status), zone, later)
    yield story_cards.stories(Stories([], None), zone, NOW)
    yield feed.NO_ACCOUNT
    yield feed.choose([one] * 60, "new", "Which?")
    yield feed.ask_name(one)
    for public in (True, False):
        made = Opened(silent, "https://x/f/" + "x" * 22 + "/feed.xml", "https://x/f/" + "x" * 22)
        yield feed.opened(made, text, public=public)
        yield feed.qr(made)
    yield feed.readers([], 3, zone, NOW)
    yield feed.readers([hammering, silent] * 25, 2, zone, NOW)
    for known in (hammering, silent):
        yield feed.reader(known, text, zone, later)
        yield feed.sure(known, "rotate")
        yield feed.sure(known, "revoke")
    yield feed.revoked()
    yield feed_settings.webhook(one, None, 0, zone, NOW)
    yield feed_settings.webhook(one, hook, BIG, zone, NOW)
    yield feed_settings.ask_address(one)
    yield feed_settings.webhook_made(Made(hook, "k" * 32), gone=False)
    yield feed_settings.webhook_refused(text, text, gone=True)
    yield feed_settings.webhook_tested(BIG, "")
    yield feed_settings.webhook_tested(BIG, "timeout")
    yield feed_settings.webhook_off(one, hook, BIG)
    for name in CHOICES:
        yield feed_settings.keep(CHOICES[name])
        yield feed_settings.keep_sure(name, Kept(Policy(days=1), Excess(BIG, BIG * BIG)))


def every_card(text: str) -> list[Card]:
    return [
        *import_cards(text),
        *of_collections(text),
        *library(text),
        *account_cards(text),
        *admin_cards(text),
        *feed_cards(text),
        *cards_of_stories(text),
        *analysis_cards(text),
        *insight_cards(text),
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_card_is_what_telegram_takes(text: str) -> None:
    for card in every_card(text):
        plain, _ = parse_html(card.text)
        assert 1 <= utf16_length(plain) <= LIMIT
        keyboard = card.keyboard()
        rows = keyboard.inline_keyboard if keyboard else ()
        assert sum(len(row) for row in rows) <= 100
        for row in rows:
            assert 1 <= len(row) <= 8
            for key in row:
                assert key.text.strip()
                if key.callback_data is not None:
                    assert 1 <= len(str(key.callback_data).encode()) <= 64
                    assert callbacks.read(str(key.callback_data)), "no tap of it would be heard"
                assert key.url is None or checked_link(key.url), "Telegram wants a real host"
                assert key.copy_text is None or 1 <= len(key.copy_text.text) <= 256


def test_what_a_stranger_wrote_reaches_the_chat_as_text() -> None:
    text = "</b><i>&amp;"
    for card in (
        cards.jobs([view(title=text)]),
        connect.accounts_card([connection(username=text)], "UTC"),
    ):
        assert text in parse_html(card.text)[0]


def test_every_card_leads_somewhere() -> None:
    """No dead end: each has a button, but the receipt for somebody who is no user any more."""
    assert [card for card in every_card("x") if not card.rows] == [notices.DELETED.card]


def test_every_row_of_buttons_fits_a_phone() -> None:
    """Labels of our own (without foreign names) stay short."""
    labels = {
        key.label for card in every_card("x") for row in card.rows if len(row) > 1 for key in row
    }
    assert max(map(len, labels)) <= 24, sorted(labels, key=len)[-3:]
