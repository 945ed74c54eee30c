"""What is done for stories once they are live: their name at Instagram, their figures while Meta
tells them, and the copies that nobody needs any more.

Called by the clock. Every turn can be repeated, and what fails is tried again with the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from services.accounts.meta import MetaLogins
from services.clock import Now
from services.errors import (
    HostingFailed,
    HostingRefused,
    MetaError,
    Remedy,
    TokenRefused,
)
from services.graph import insights
from services.graph.account import Account, LiveStory
from services.graph.public import LIFETIME, PublicFiles
from storage import stories, story_aftercare
from storage.database import Database
from storage.stories import Figure, Story

log = structlog.get_logger()

NAMED_WITHIN = timedelta(minutes=15)  # after that it stays without an address
HOURS = (1, 6, 23)  # after it went live; Meta forgets after 24
WINDOW = timedelta(hours=1)  # in which the figures of such an hour are taken
NAVIGATION = "navigation"
_BY_ACTION = "story_navigation_action_type"
METRICS = (
    "reach",
    "views",
    "replies",
    "shares",
    "total_interactions",
    "follows",
    "profile_visits",
    NAVIGATION,  # and what it consists of: tap_forward, tap_back, tap_exit, swipe_forward
)
NOTHING = "Meta has no figure for this."
MISSED = "Meta could not be asked in that hour."
_LOOKS_BACK = timedelta(days=2)  # so that what was missed is said


@dataclass(frozen=True, slots=True)
class Aftercare:
    """`public`: as Publishing has it."""

    database: Database
    logins: MetaLogins
    public: PublicFiles | None
    now: Now

    # ------------------------------------------------------------ the name at Instagram

    async def name(self) -> int:
        """Finds ids and addresses of what was just published; returns how many stories got them."""
        now = self.now()
        async with self.database.read() as db:
            nameless = await story_aftercare.nameless(db, now - NAMED_WITHIN)
            in_doubt = await story_aftercare.accounts_in_doubt(db)
        named = 0
        for account_id, group in groupby(nameless, lambda story: story.account_id):
            own = list(group)
            account: Account | None = None
            try:
                account = await self.logins.open(own[0].meta_id)
                live = await account.stories()
            except MetaError as error:
                await self._note(own[0], error, account)
                continue
            named += await self._name(own, live, guess=account_id not in in_doubt)
        return named

    async def _name(self, nameless: list[Story], live: list[LiveStory], *, guess: bool) -> int:
        """`guess`: whether ids that nobody has may be given to stories without one."""
        named = 0
        for story in nameless:
            async with self.database.write() as db:
                taken = await story_aftercare.media_owners(
                    db, story.account_id, [one.id for one in live]
                )
                one = own_among(live, story, taken if guess else None)
                if one is not None and (one.permalink or story.media_id is None):
                    await story_aftercare.name(db, story.id, one.id, one.permalink)
                    named += 1
        return named

    # ------------------------------------------------------------ figures

    async def measure(self) -> int:
        """Takes the figures of every story at its hours; returns how many were stored."""
        now = self.now()
        async with self.database.read() as db:
            live = await story_aftercare.measurable(db, now - _LOOKS_BACK)
            known = await story_aftercare.measured(db, [story.id for story in live])
        return sum([await self._measure(story, known.get(story.id, set()), now) for story in live])

    async def _measure(self, story: Story, known: set[tuple[int, str]], now: datetime) -> int:
        assert story.publish_requested_at is not None
        age = now - story.publish_requested_at
        found: list[Figure] = []
        for hour in HOURS:
            missing = [metric for metric in METRICS if (hour, metric) not in known]
            if age >= timedelta(hours=hour) + WINDOW:
                found += [Figure(hour, metric, None, MISSED) for metric in missing]
            elif age >= timedelta(hours=hour) and missing:
                found += await self._figures(story, hour, missing)
        if found:
            async with self.database.write() as db:
                await stories.keep_figures(db, story.id, found, now)
        return len(found)

    async def _figures(self, story: Story, hour: int, metrics: Iterable[str]) -> list[Figure]:
        found: list[Figure] = []
        account: Account | None = None
        try:
            account = await self.logins.open(story.meta_id)
            for metric in metrics:
                found += await _measured(account, story, hour, metric)
        except MetaError as error:
            await self._note(story, error, account)
        return found

    async def _note(self, story: Story, error: MetaError, account: Account | None) -> None:
        log.info("asked for nothing", story=story.id, why=error.message)
        if story.meta_id is not None and isinstance(error, TokenRefused):
            await self.logins.refused(story.meta_id, error, account.token if account else None)

    # ------------------------------------------------------------ copies

    async def clear(self) -> int:
        """Deletes copies that are not needed any more; returns how many are gone."""
        if self.public is None:
            return 0
        now = self.now()
        async with self.database.read() as db:
            spent = await stories.spent_copies(db, now - LIFETIME)
        gone = 0
        for copy_id in spent:
            try:
                await self.public.delete(copy_id)
            except HostingRefused as error:  # of another provider, that was used before
                log.warning("a copy is left where it is", copy=copy_id, why=error.message)
            except HostingFailed:
                break
            async with self.database.write() as db:
                await stories.forget_copy(db, copy_id)
            gone += 1
        return gone

    async def sweep(self) -> int:
        """Deletes what lies at the provider for a day, also what a crash has left there without a
        row; returns how many."""
        if self.public is None:
            return 0
        try:
            return await self.public.sweep(self.now() - LIFETIME)
        except HostingFailed as error:
            log.warning("old copies were not swept", why=error.message)
            return 0


async def _measured(account: Account, story: Story, hour: int, metric: str) -> list[Figure]:
    """Errors: MetaError where asking again may help."""
    assert story.media_id is not None
    breakdown = _BY_ACTION if metric == NAVIGATION else ""
    try:
        told = await insights.media_figures(account, story.media_id, metric, breakdown)
    except MetaError as error:
        again = error.remedy in (Remedy.RETRY, Remedy.WAIT_UNTIL)
        if again or isinstance(error, TokenRefused):
            raise
        return [Figure(hour, metric, None, error.message)]
    return [_figure(hour, metric, one) for one in told] or [Figure(hour, metric, None, NOTHING)]


def _figure(hour: int, metric: str, told: insights.Figure) -> Figure:
    """Of a breakdown, by its value alone: {story_navigation_action_type: tap_back}."""
    name = told.breakdown[0][1] if told.breakdown else metric
    if told.value is None:
        return Figure(hour, name, None, NOTHING)
    return Figure(hour, name, int(told.value), None)


def own_among(live: Iterable[LiveStory], story: Story, taken: set[str] | None) -> LiveStory | None:
    """The story's own, by its id. Where that is unknown: the one that is new since before it was
    asked for, is not older than that, and belongs to no other story (`taken`; None: don't guess).
    None if there is none such, or more than one."""
    if story.media_id is not None:
        return next((one for one in live if one.id == story.media_id), None)
    asked = story.publish_requested_at
    if taken is None or story.live_before is None or asked is None:
        return None
    since = asked.replace(microsecond=0)  # Meta tells whole seconds
    before = {*story.live_before, *taken}
    new = [one for one in live if one.id not in before and one.posted_at >= since]
    return new[0] if len(new) == 1 else None
