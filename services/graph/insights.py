"""Meta's figures of an account and of its media, as typed rows: one metric with each request.

Called by the insights' sync and by the stories' history. Facts: Meta's pages on insights; a bad
metric fails the whole request, so they are never asked together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.errors import MetaChanged, RequestRefused
from services.graph.account import Account, checked_id
from services.graph.reading import Fields, number

WINDOW = timedelta(days=30)  # between since and until, at most

Breakdown = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """`since`, `until`: aware; end them at whole UTC days. Empty texts are not sent."""

    metric: str
    period: str = "day"
    metric_type: str = ""
    breakdown: str = ""
    timeframe: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def params(self) -> dict[str, str]:
        """Errors: RequestRefused for a window that Meta would refuse."""
        if self.since and self.until and not timedelta(0) <= self.until - self.since <= WINDOW:
            raise RequestRefused(subject=f"{self.metric} {self.since:%F} to {self.until:%F}")
        given = {
            "metric": self.metric,
            "period": self.period,
            "metric_type": self.metric_type,
            "breakdown": self.breakdown,
            "timeframe": self.timeframe,
            "since": str(int(self.since.timestamp())) if self.since else "",
            "until": str(int(self.until.timestamp())) if self.until else "",
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Figure:
    """`end_time`: aware UTC, the end of the 24 hours that it counts; None: the window that was
    asked for is the only time there is. `value` None: Meta wrote null. `breakdown`: pairs of
    dimension and value; () for the whole."""

    metric: str
    period: str
    value: int | float | None
    end_time: datetime | None = None
    breakdown: Breakdown = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Of the account, now; Meta keeps no history of these. None: not told."""

    followers: int | None
    follows: int | None
    media: int | None


async def account_figures(account: Account, question: Question) -> list[Figure]:
    """[] where Meta has no data, which is not 0. Errors: MetaError; RequestRefused also for a
    metric that was removed or has too few followers: its `said` tells."""
    answer = await account.read(f"{account.user_id}/insights", question.params())
    return figures(answer.fields)


async def media_figures(
    account: Account, media_id: str, metric: str, breakdown: str = ""
) -> list[Figure]:
    """Of a story, reel or post of the account's own; a story's vanish after 24 hours.

    Errors: MetaError; NotMeasured below five viewers.
    """
    params = {"metric": metric, **({"breakdown": breakdown} if breakdown else {})}
    answer = await account.read(f"{checked_id(media_id)}/insights", params)
    return figures(answer.fields)


async def snapshot(account: Account) -> Snapshot:
    params = {"fields": "id,followers_count,follows_count,media_count"}
    fields = (await account.read(account.user_id, params)).fields
    fields.id("id")
    return Snapshot(
        followers=fields.optional_count("followers_count"),
        follows=fields.optional_count("follows_count"),
        media=fields.optional_count("media_count"),
    )


def figures(answer: Fields) -> list[Figure]:
    """Of both shapes that Meta answers with: a series in `values`, or one `total_value`.

    Media have both at once; the total is the same figure, so it is read for its breakdowns only.
    """
    return [figure for row in answer.list("data") for figure in _of_metric(row)]


def _of_metric(row: Fields) -> Iterator[Figure]:
    metric, period = row.text("name"), row.text("period")
    values = row.list("values") if row.values.get("values") is not None else []
    for one in values:
        for value, parts in _values(one):
            yield Figure(metric, period, value, one.optional_moment("end_time"), parts)
    total = row.optional_fields("total_value")
    if total is None:
        if not values and "values" not in row.values:
            raise MetaChanged(subject=f"{row.where}.values")
        return
    if not values and "value" in total.values:
        yield from (Figure(metric, period, value, None, parts) for value, parts in _values(total))
    for breakdown in total.list("breakdowns") if total.values.get("breakdowns") else []:
        for result in breakdown.list("results"):
            parts = _parts(breakdown.texts("dimension_keys"), result)
            for value, _ in _values(result):
                yield Figure(metric, period, value, result.optional_moment("end_time"), parts)


def _values(holder: Fields) -> Iterator[tuple[int | float | None, Breakdown]]:
    """{"value": 12}, or online_followers' {"value": {"0": 12, "1": 7, …}}, by hour."""
    value = holder.values.get("value")
    if isinstance(value, dict):
        for key, part in value.items():
            yield _number(part, holder), (("hour", key),)
    else:
        yield _number(value, holder), ()


def _number(value: object, holder: Fields) -> int | float | None:
    read = number(value)
    if read is None and value is not None:
        raise MetaChanged(subject=f"{holder.where}.value")
    return read


def _parts(dimensions: tuple[str, ...], result: Fields) -> Breakdown:
    values = result.texts("dimension_values")
    if len(values) != len(dimensions):
        raise MetaChanged(subject=f"{result.where}.dimension_values")
    return tuple(zip(dimensions, values, strict=True))
