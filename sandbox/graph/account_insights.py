"""GET /{ig-user-id}/insights: which questions Meta answers, in which shape, and what it refuses.

Called by `api`. The figures are those of `figures_of_days` and `audiences`. Rules: Meta's page on
account insights (2026-06-16) and its API specification; words of refusals as clients have seen
them, where they have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from sandbox.graph import audiences, figures_of_days
from sandbox.graph.asking import Asking
from sandbox.graph.bad_days import BadDays
from sandbox.graph.figures_of_days import DAY, PARTS, UNIQUE, Truth
from sandbox.graph.people import Account
from sandbox.graph.refusals import Json, invalid, missing, too_long

TOTAL, SERIES = "total_value", "time_series"
LIFETIME = "lifetime"
LATE = timedelta(hours=48)
OLDEST = timedelta(days=730)
RECENT = timedelta(days=30)  # for which there are follower_count and online_followers
FEWEST = 100  # followers
NAMES = (  # Meta's list, in the order of its message
    *("reach", "follower_count", "website_clicks", "profile_views", "online_followers"),
    *("accounts_engaged", "total_interactions", "likes", "comments", "shares", "saves", "replies"),
    *("engaged_audience_demographics", "reached_audience_demographics", "follower_demographics"),
    *("follows_and_unfollows", "profile_links_taps", "views", "threads_likes", "threads_replies"),
    *("reposts", "quotes", "threads_followers", "threads_follower_demographics", "content_views"),
    *("threads_views", "threads_clicks", "threads_reposts"),
)
REMOVED_TODAY = "profile_views"  # on that bad day


@dataclass(frozen=True, slots=True)
class Metric:
    """`types`: the first is the default, if it is a series. `fewest`: followers."""

    periods: tuple[str, ...] = ("day",)
    types: tuple[str, ...] = (TOTAL,)
    breakdowns: tuple[str, ...] = ()
    fewest: int = 0


_BY_PRODUCT = Metric(breakdowns=("media_product_type",))
_AUDIENCE = Metric((LIFETIME,), breakdowns=("age", "city", "country", "gender"))
METRICS = {
    "reach": Metric(
        ("day", "week", "days_28"), (SERIES, TOTAL), ("media_product_type", "follow_type")
    ),
    "follower_count": Metric(types=(SERIES,), fewest=FEWEST),
    "online_followers": Metric((LIFETIME,), (SERIES,), fewest=FEWEST),
    "views": Metric(breakdowns=("follow_type", "media_product_type")),
    **dict.fromkeys(("total_interactions", "likes", "comments", "shares", "saves"), _BY_PRODUCT),
    **dict.fromkeys(
        ("accounts_engaged", "replies", "reposts", "profile_views", "website_clicks"), Metric()
    ),
    "profile_links_taps": Metric(breakdowns=("contact_button_type",)),
    "follows_and_unfollows": Metric(breakdowns=("follow_type",), fewest=FEWEST),
    **dict.fromkeys(audiences.PEOPLE, _AUDIENCE),
}


@dataclass(frozen=True, slots=True)
class Question:
    """Checked, of one metric. `breakdown`, `timeframe`: "" for none."""

    metric: str
    period: str
    is_total: bool
    breakdown: str
    timeframe: str
    since: datetime
    until: datetime


class AccountInsights:
    def __init__(self, truth: Truth, bad_days: BadDays, now: Callable[[], datetime]) -> None:
        self._truth = truth
        self._bad_days = bad_days
        self._now = now

    def answer(self, asking: Asking, account: Account) -> Json:
        """Errors: Refused with 100; one bad metric fails all."""
        now, params = self._now(), asking.params
        names = listed(params["metric"])
        refused = {REMOVED_TODAY} if self._bad_days.is_on("meta-insights-removed") else set()
        check_names(names, [name for name in NAMES if name not in refused])
        _check_types(names, params.get("metric_type", ""))
        questions = [_question(name, params, now) for name in names]
        rows = []
        for question in questions:
            figures = self._figures(account, question, now)
            if figures and not self._bad_days.is_on("meta-insights-empty"):
                rows.append({**figures, **_described(account, question)})
        series = [one for one in questions if not one.is_total and one.period != LIFETIME]
        if not rows or not series:
            return {"data": rows}
        return {"data": rows, "paging": _paging(asking, series[0])}

    def _figures(self, account: Account, question: Question, now: datetime) -> Json | None:
        """`values` or `total_value`; None where Meta has nothing to tell."""
        people = figures_of_days.followers(account, now)
        if people < METRICS[question.metric].fewest:
            return None
        if question.metric in audiences.PEOPLE:
            return _audience(account, question, now)
        if question.metric == "online_followers":
            values = list(_online(account, question, now))
        elif not question.is_total:
            values = list(self._series(account, question, now))
        else:
            return self._total(account, question, now)
        return {"values": values} if values else None

    def _series(self, account: Account, question: Question, now: datetime) -> Iterator[Json]:
        for day in figures_of_days.days_ending(account, question.since, question.until):
            end = figures_of_days.end_of_day(account, day)
            if self._is_held_back(end, now):
                continue
            value = self._truth.told_at(account, question.metric, day, now, period=question.period)
            if value is not None:
                yield {"value": value, "end_time": _written(end)}

    def _total(self, account: Account, question: Question, now: datetime) -> Json | None:
        if question.metric == "follows_and_unfollows":
            if question.breakdown != "follow_type":
                return None
            parts = [figures_of_days.GAINED, figures_of_days.LOST]
        else:
            parts = list(PARTS.get(question.breakdown, ()))
        whole = self._sum(account, question, now)
        if whole is None:
            return None
        results = [
            {"dimension_values": [part], "value": self._sum(account, question, now, part)}
            for part in parts
        ]
        total: Json = {} if question.metric == "follows_and_unfollows" else {"value": whole}
        if question.breakdown:
            keys = [question.breakdown]
            total["breakdowns"] = [{"dimension_keys": keys, "results": results}]
        return {"total_value": total}

    def _sum(
        self, account: Account, question: Question, now: datetime, part: str = ""
    ) -> int | None:
        """Of the window: all days of it that are told, those at its ends as far as they are in."""
        told = []
        day = question.since.date()
        while (start := datetime.combine(day, time(), UTC)) < question.until:
            end = min(start + DAY, max(now, start + timedelta(seconds=1)))
            seconds = (min(question.until, end) - max(question.since, start)).total_seconds()
            value = self._truth.told_at(account, question.metric, day, now, part, is_total=True)
            if value is not None and seconds > 0 and not self._is_held_back(start + DAY, now):
                told.append(int(value * seconds / (end - start).total_seconds()))
            day += DAY
        if not told:
            return None
        return figures_of_days.unique(told) if question.metric in UNIQUE else sum(told)

    def _is_held_back(self, end: datetime, now: datetime) -> bool:
        return now < end + LATE and self._bad_days.is_on("meta-insights-late")


# ------------------------------------------------------------------ what is refused


def listed(text: str) -> list[str]:
    """`a,b`, or JSON: `["a","b"]`."""
    if text[:1] == "[":
        return [str(name) for name in json.loads(text)]
    return text.split(",") if text else []


def check_names(names: list[str], known: list[str]) -> None:
    """Errors: Refused with Meta's list of what there is."""
    for place, name in enumerate(names):
        if name not in known:
            wanted = ", ".join(known)
            raise invalid(f"metric[{place}] must be one of the following values: {wanted}")


def _check_types(names: list[str], asked: str) -> None:
    """Errors: Refused, naming all metrics that want the other shape."""
    for name in names:
        if name not in METRICS:  # of Threads, which has a host of its own
            raise invalid(f"The metric {name} is not supported for this account")
    for wanted, other in ((TOTAL, SERIES), (SERIES, TOTAL)):
        is_asked = asked == other or (other == SERIES and asked in ("", "default"))
        wrong = [name for name in names if METRICS[name].types == (wanted,)]
        if wrong and is_asked:
            raise invalid(
                f"The following metrics ({', '.join(wrong)}) should be specified with parameter"
                f" metric_type={wanted}"
            )


def _question(name: str, params: dict[str, str], now: datetime) -> Question:
    """Errors: Refused."""
    metric = METRICS[name]
    periods = listed(params["period"])
    if len(periods) != 1 or periods[0] not in metric.periods:
        raise invalid(f"Incompatible period ({params['period']}) for metric ({name})")
    is_total = params.get("metric_type") == TOTAL
    breakdowns = listed(params.get("breakdown", ""))
    for one in breakdowns:
        if len(breakdowns) > 1 or one not in metric.breakdowns or not is_total:
            raise invalid(f"Incompatible breakdowns ({', '.join(breakdowns)}) for metric ({name})")
    timeframe = params.get("timeframe", "")
    if metric is _AUDIENCE:
        _check_audience(name, breakdowns, timeframe, params)
    elif timeframe:
        raise invalid(f"Incompatible timeframe ({timeframe}) for metric ({name})")
    since, until = _window(name, params, now)
    return Question(name, periods[0], is_total, "".join(breakdowns), timeframe, since, until)


def _check_audience(
    name: str, breakdowns: list[str], timeframe: str, params: dict[str, str]
) -> None:
    for window in ("since", "until"):
        if window in params:
            raise invalid(f"The parameter {window} is not supported for metric ({name})")
    if not timeframe:
        raise missing("timeframe")
    if timeframe not in audiences.FRAMES:
        raise invalid(f"Incompatible timeframe ({timeframe}) for metric ({name})")
    if not breakdowns:
        raise missing("breakdown")


def _window(name: str, params: dict[str, str], now: datetime) -> tuple[datetime, datetime]:
    """The last 24 hours, if none is asked for. More than 30 days were refused by `rules`."""
    given = {
        one: datetime.fromtimestamp(int(params[one]), UTC)
        for one in ("since", "until")
        if one in params
    }
    until = given.get("until", now)
    since = given.get("since", until - DAY)
    if until < since:
        raise invalid("The parameter since must not be after until")
    if until - since > RECENT:
        raise too_long()
    if since < now - OLDEST:
        raise invalid("The parameter since must be within the last 2 years")
    today = datetime.combine(now.date(), time(), UTC)
    is_recent = today - RECENT <= since and until <= today
    if name == "follower_count" and given and not is_recent:
        raise invalid(
            "(follower_count) metric only supports querying data for the last 30 days excluding"
            " the current day"
        )
    return since, until


# ------------------------------------------------------------------ shapes


def _described(account: Account, question: Question) -> Json:
    words = question.metric.replace("_", " ")
    return {
        "name": question.metric,
        "period": question.period,
        "title": words.capitalize(),
        "description": f"The {words} of this account.",
        "id": f"{account.id}/insights/{question.metric}/{question.period}",
    }


def _audience(account: Account, question: Question, now: datetime) -> Json | None:
    parts = audiences.audience(
        account, question.metric, question.breakdown, question.timeframe, now
    )
    if not parts:
        return None
    # Meta's pages show the timeframe as a dimension, newer answers have come without it.
    first = [] if question.metric == "follower_demographics" else [question.timeframe.upper()]
    keys = [*(["timeframe"] if first else []), question.breakdown]
    results = [
        {"dimension_values": [*first, part], "value": value} for part, value in parts.items()
    ]
    return {"total_value": {"breakdowns": [{"dimension_keys": keys, "results": results}]}}


def _online(account: Account, question: Question, now: datetime) -> Iterator[Json]:
    """By hour, of the days that are over and at most 30 days old."""
    for day in figures_of_days.days_ending(account, question.since, question.until):
        end = figures_of_days.end_of_day(account, day)
        if now - RECENT <= end <= now:
            yield {"value": audiences.online(account, end), "end_time": _written(end)}


def _written(moment: datetime) -> str:
    """2026-09-02T07:00:00+0000, as Meta writes it: never Z, no colon."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _paging(asking: Asking, question: Question) -> Json:
    """Links to the windows before and after. Meta's carry the token; these want it again."""
    width = question.until - question.since
    windows = {
        "previous": (question.since - width, question.since),
        "next": (question.until, question.until + width),
    }
    kept = {name: value for name, value in asking.params.items() if name != "access_token"}
    return {
        name: f"{asking.url}?{urlencode(kept | _times(*window))}"
        for name, window in windows.items()
    }


def _times(since: datetime, until: datetime) -> dict[str, str]:
    return {"since": str(int(since.timestamp())), "until": str(int(until.timestamp()))}
