"""An account's own figures as files to take along: every value with its truth and what it was
before, and how each post stood on each day.

Called by the chat. What is there is read at once and written off the event loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from services.clock import Now
from services.insights.figures import reason_of, tidy
from services.insights.service import Insights
from services.insights.states import state_of
from services.sheets import About, Form, Row, open_table_aside
from storage import insight_reads
from storage.database import Database
from storage.insight_reads import Earlier, PostDay, Value
from storage.insights import InsightAccount

MOST = 100_000  # lines of a file, the newest; more than ten years without the audience's
VALUES = (
    "metric",
    "period",
    "day",
    "end_time_utc",
    "breakdown",
    "value",
    "state",
    "reason",
    "said",
    "revision",
    "read_at_utc",
    "earlier_values",  # before Meta changed it, oldest first
    "earlier_read_at_utc",
)
POSTS = (
    "media_id",
    "product",
    "permalink",
    "caption",
    "posted_at_utc",
    "metric",
    "day",
    "value",
    "state",
    "reason",
    "said",
    "read_at_utc",
)


@dataclass(frozen=True, slots=True)
class Files:
    """`posts` None: none was ever read. `lines`: of `values`; `cut`: there are more than that."""

    values: tuple[str, bytes]  # file name, content
    posts: tuple[str, bytes] | None
    lines: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Exports:
    """Of figures; a job is not needed: a year takes a moment."""

    database: Database
    insights: Insights
    now: Now

    async def files(self, user_id: int, account_id: int, form: Form, folder: Path) -> Files:
        """`folder`: for a moment; what a kill leaves there the caller sweeps.

        Errors: NotAllowed, OSError.
        """
        account = await self.insights.one(user_id, account_id)
        now = self.now()
        with TemporaryDirectory(dir=folder, prefix="insights-") as here:
            values, posts = Path(here) / "values", Path(here) / "posts"
            async with self.database.read() as db:
                total = await insight_reads.count(db, account.id)
                about = _about(account, min(total, MOST), total, now)
                lines = 0
                async with open_table_aside(values, form, "values", VALUES, about) as table:
                    async for some in insight_reads.chunks(db, account.id, MOST):
                        await asyncio.to_thread(table.add, [value_line(*one, now) for one in some])
                        lines += len(some)
                told = 0
                async with open_table_aside(posts, form, "posts", POSTS, ()) as table:
                    async for days in insight_reads.post_chunks(db, account.id, MOST):
                        await asyncio.to_thread(table.add, [post_line(one) for one in days])
                        told += len(days)
            content = await asyncio.to_thread(values.read_bytes)
            of_posts = await asyncio.to_thread(posts.read_bytes) if told else None
        return Files(
            (_name(account, "insights", now, form), content),
            (_name(account, "posts", now, form), of_posts) if of_posts is not None else None,
            lines,
            total > lines,
        )


def value_line(one: Value, earlier: Sequence[Earlier], now: datetime) -> Row:
    """As VALUES."""
    reason = reason_of(one, now)
    return (
        one.metric,
        one.period,
        one.day.isoformat(),
        _iso(one.end_time),
        one.breakdown,
        None if one.value is None else tidy(one.value),
        state_of(reason).value,
        reason,
        one.said,
        one.revision,
        _iso(one.read_at),
        tuple(str(tidy(was.value)) for was in earlier),
        tuple(_iso(was.read_at) for was in earlier),
    )


def post_line(one: PostDay) -> Row:
    """As POSTS."""
    return (
        one.media_id,
        one.product,
        one.permalink,
        one.caption,
        _iso(one.posted_at),
        one.metric,
        one.day.isoformat(),
        None if one.value is None else tidy(one.value),
        state_of(one.reason).value,
        one.reason,
        one.said,
        _iso(one.read_at),
    )


def _iso(at: datetime) -> str:
    """In every form the same text, so that two files can be compared."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _about(account: InsightAccount, lines: int, total: int, now: datetime) -> About:
    return (
        ("username", account.username),
        ("platform_id", account.identity),
        ("written_at_utc", _iso(now)),
        ("lines", lines),
        ("lines_stored", total),
    )


def _name(account: InsightAccount, what: str, at: datetime, form: Form) -> str:
    who = re.sub(r"[^A-Za-z0-9._]+", "-", account.username).strip(".-")[:40] or "account"
    return f"reelay-{who}-{what}-{at.astimezone(UTC):%Y%m%dT%H%MZ}.{form}"
