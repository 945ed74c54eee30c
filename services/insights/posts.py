"""How the account's own posts and reels stood on each day, for 30 days from when each was posted.

Called by the job of the sync, a portion of requests at a time. What is due is derived: nothing but
the figures themselves is stored, so a portion that was killed is asked for again. Meta tells totals
of a post's whole life.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from services.clock import Now
from services.errors import (
    MetaError,
    MetaNotFound,
    MetaRateLimited,
    MetaUnavailable,
    NotMeasured,
    PermissionMissing,
    RequestRefused,
    TokenRefused,
)
from services.graph.account import Account
from services.graph.insights import media_figures
from services.graph.own_media import Listing, OwnMedia, own_media
from services.graph.usage import Pace
from services.insights.metrics import MEASURED_FOR, MEDIA_METRICS
from services.insights.states import OPEN, Reason, may_change
from services.instagram.posts import clean_text
from storage import insight_media
from storage.database import Database, Transaction
from storage.insight_media import MediaValue, NewPost, Post, Reading

_FEW_VIEWERS = 10  # Meta's code for it
_NO_SUCH_OBJECT = (100, 33)  # code and subcode: deleted, hidden from this log-in, or Meta is unwell
_PATIENCE = 2  # requests in a row that Meta is too unwell for


@dataclass(frozen=True, slots=True)
class PostsRead:
    """`fetched`: figures that Meta told; `written`: rows of them; `skipped`: rows that say why
    there is none. `errors`: one of each kind that left something unread. `more`: there is more to
    ask for."""

    requests: int = 0
    fetched: int = 0
    written: int = 0
    skipped: int = 0
    errors: tuple[MetaError, ...] = ()
    more: bool = False

    def __add__(self, other: PostsRead) -> PostsRead:
        errors = {(type(one), one.message): one for one in self.errors + other.errors}
        return PostsRead(
            self.requests + other.requests,
            self.fetched + other.fetched,
            self.written + other.written,
            self.skipped + other.skipped,
            tuple(errors.values()),
            self.more or other.more,
        )


# Is given what each transaction adds, and is part of it: the log, and the fence if it raises.
Note = Callable[[Transaction, PostsRead], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ask:
    post: Post
    metric: str


def due(posts: Iterable[Post], held: Iterable[Reading], started_at: datetime) -> list[Ask]:
    """What this sync, which began then, has still to ask. `held`: the readings of its day."""
    known = {(one.media_row, one.metric): one for one in held}
    return [
        Ask(post, metric)
        for post in posts
        for metric in MEDIA_METRICS.get(post.product, ())
        if _is_due(known.get((post.id, metric)), started_at)
    ]


def _is_due(held: Reading | None, started_at: datetime) -> bool:
    return held is None or (held.reason in OPEN and held.read_at < started_at)


class Posts:
    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now

    async def read(
        self,
        account: Account,
        account_id: int,
        sync_day: date,
        started_at: datetime,
        budget: int,
        note: Note,
    ) -> PostsRead:
        """At most `budget` figures, and before the first one of a sync the list of posts.

        `account_id`: of insight_accounts. Ends early where Meta's allowance does: `account.usage`.
        Errors, after what was told is stored: MetaRateLimited, TokenRefused; MetaUnavailable if it
        is so twice in a row, or for all that is left; what `note` raises.
        """
        since = started_at - MEASURED_FOR
        total = PostsRead()
        async with self._database.read() as db:
            held = await insight_media.readings(db, account_id, sync_day, since)
        if not any(one.read_at >= started_at for one in held):
            total += await self._list(account, account_id, sync_day, since, note)
        asks = await self._due(account_id, sync_day, started_at)
        portion = _Portion(account, self._now)
        for post, group in groupby(asks[:budget], key=lambda ask: ask.post):
            async for values in portion.measure(post, [ask.metric for ask in group]):
                read = portion.taken()
                async with self._database.write() as db:
                    await note(db, read)  # whoever was canceled asks for nothing more
                    await insight_media.write(db, post.id, sync_day, values, self._now())
                total += read
            if portion.stop is not None:
                raise portion.stop
            if portion.is_held_back:
                return total + PostsRead(more=True)
        more = len(asks) > budget
        if portion.unwell is not None and not more:
            raise portion.unwell
        return total + PostsRead(more=more)

    async def give_up(
        self, account_id: int, sync_day: date, started_at: datetime, error: MetaError, note: Note
    ) -> None:
        """What is still due has failed for this sync; the next one asks again."""
        for post, group in groupby(
            await self._due(account_id, sync_day, started_at), key=lambda ask: ask.post
        ):
            values = [refused(ask.metric, error) for ask in group]
            async with self._database.write() as db:
                await note(db, PostsRead(skipped=len(values), errors=(error,)))
                await insight_media.write(db, post.id, sync_day, values, self._now())

    async def _due(self, account_id: int, sync_day: date, started_at: datetime) -> list[Ask]:
        since = started_at - MEASURED_FOR
        async with self._database.read() as db:
            posts = await insight_media.posted_since(db, account_id, since)
            held = await insight_media.readings(db, account_id, sync_day, since)
        return due(posts, held, started_at)

    async def _list(
        self, account: Account, account_id: int, sync_day: date, since: datetime, note: Note
    ) -> PostsRead:
        """Without it, the posts that are known are read all the same."""
        posts: list[NewPost] = []
        gone: list[Post] = []
        stop: MetaError | None = None
        try:
            listing = await own_media(account, since)
            read = PostsRead(requests=listing.requests)
            posts = [_post(one) for one in listing.media if one.product in MEDIA_METRICS]
            gone = await self._gone(account_id, since, listing)
            read += PostsRead(skipped=sum(len(MEDIA_METRICS[one.product]) for one in gone))
        except (MetaUnavailable, MetaRateLimited, TokenRefused) as error:
            read, stop = PostsRead(requests=1), error
        except MetaError as error:
            read = PostsRead(requests=1, errors=(error,))
        now = self._now()
        async with self._database.write() as db:
            await note(db, read)
            await insight_media.keep(db, account_id, posts)
            for post in gone:
                names = MEDIA_METRICS[post.product]
                values = [MediaValue(name, None, Reason.NO_DATA) for name in names]
                await insight_media.write(db, post.id, sync_day, values, now)
        if stop is not None:
            raise stop
        return read

    async def _gone(self, account_id: int, since: datetime, listing: Listing) -> list[Post]:
        """Known posts that were deleted or archived: Meta would refuse each of them, every day."""
        if not listing.whole:
            return []
        async with self._database.read() as db:
            known = await insight_media.posted_since(db, account_id, since)
        listed = {one.id for one in listing.media}
        return [one for one in known if one.media_id not in listed and one.product in MEDIA_METRICS]


@dataclass(slots=True)
class _Portion:
    """Some requests, one after the other. `stop`: the error after which nothing more is asked.
    `unwell`: what Meta was too unwell for, which is still due."""

    account: Account
    now: Now
    stop: MetaError | None = None
    unwell: MetaUnavailable | None = None
    _in_a_row: int = 0
    _read: PostsRead = field(default_factory=PostsRead)

    @property
    def is_held_back(self) -> bool:
        usage = self.account.usage
        return usage is not None and usage.pace is Pace.STOP

    def taken(self) -> PostsRead:
        """What was read since this was asked for last."""
        read, self._read = self._read, PostsRead()
        return read

    async def measure(self, post: Post, metrics: Sequence[str]) -> AsyncIterator[list[MediaValue]]:
        """Of one post, as far as it goes: what each request tells."""
        for place, metric in enumerate(metrics):
            values, over = await self._ask(post, metric, metrics[place:])
            told = sum(one.value is not None for one in values)
            self._read += PostsRead(
                requests=1, fetched=told, written=told, skipped=len(values) - told
            )
            yield values
            if over or self.stop is not None or self.is_held_back:
                return

    async def _ask(
        self, post: Post, metric: str, left: Sequence[str]
    ) -> tuple[list[MediaValue], bool]:
        """And whether that is all of this post. `left`: the metric, and those after it."""
        try:
            value = await _figure(self.account, post, metric, self.now())
        except (MetaRateLimited, TokenRefused) as error:
            self.stop = error
            return [], True
        except MetaError as error:
            if _is_of_post(error):
                return self._refused(error, left), True
            if isinstance(error, MetaUnavailable):
                self._stumble(error)
                return [], False
            return self._refused(error, [metric]), False
        self._in_a_row = 0
        return [value], False

    def _stumble(self, error: MetaUnavailable) -> None:
        self.unwell = error
        self._in_a_row += 1
        if self._in_a_row >= _PATIENCE:
            self.stop = error

    def _refused(self, error: MetaError, metrics: Sequence[str]) -> list[MediaValue]:
        self._in_a_row = 0
        values = [refused(metric, error) for metric in metrics]
        if values[0].reason in OPEN:
            self._read += PostsRead(errors=(_told(error),))
        return values


async def _figure(account: Account, post: Post, metric: str, now: datetime) -> MediaValue:
    """Errors: MetaError."""
    told = await media_figures(account, post.media_id, metric)
    value = next((one.value for one in told if one.metric == metric and not one.breakdown), None)
    if value is not None:
        return MediaValue(metric, value)
    late = may_change(post.posted_at, now)
    return MediaValue(metric, None, Reason.NOT_YET if late else Reason.NO_DATA)


def refused(metric: str, error: MetaError) -> MediaValue:
    """Why there is no figure. Of a refused metric: of this post, for older ones lack some."""
    match error:
        case NotMeasured() if error.said.code == _FEW_VIEWERS:
            reason = Reason.TOO_FEW
        case NotMeasured():
            reason = Reason.NO_DATA
        case PermissionMissing():
            reason = Reason.NO_PERMISSION
        case RequestRefused() if error.said.code is not None:
            reason = Reason.REMOVED
        case _:  # also what was not sent, because Meta would refuse it
            reason = Reason.FAILED
    return MediaValue(metric, None, reason, clean_text(error.said.text))


def _is_of_post(error: MetaError) -> bool:
    """Whether it is the post that can't be read, whichever metric is asked for."""
    return _is_missing(error) or isinstance(error, MetaNotFound | PermissionMissing)


def _is_missing(error: MetaError) -> bool:
    return (error.said.code, error.said.subcode) == _NO_SUCH_OBJECT


def _told(error: MetaError) -> MetaError:
    """As it stands in the log: one post that is missing makes nobody wait for Meta."""
    if not _is_missing(error):
        return error
    return MetaNotFound("A post can't be read at Meta at the moment.", "", said=error.said)


def _post(one: OwnMedia) -> NewPost:
    return NewPost(
        media_id=one.id,
        product=one.product,
        media_type=clean_text(one.media_type),
        permalink=clean_text(one.permalink),
        caption=clean_text(one.caption),
        posted_at=one.posted_at,
    )
