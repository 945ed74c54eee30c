"""What a sync asks: every day that is due, once, in windows that Meta takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.graph.insights import WINDOW
from services.insights.days import end_of
from services.insights.metrics import BY_KEY, METRICS, Kind, Metric
from services.insights.plan import BLOCK, FRUITLESS, Ask, due_days, is_recent, plan
from services.insights.reading import question
from services.insights.states import OPEN, Reason
from storage.insights import Held

DAY = date(2026, 11, 19)
TODAY = DAY + timedelta(1)
BEGAN = datetime(2026, 11, 20, 6, 5, tzinfo=UTC)
BEFORE = BEGAN - timedelta(hours=1)
REACH, LIKES, NEW_FOLLOWERS = BY_KEY["reach"], BY_KEY["likes"], BY_KEY["follower_count"]
AGE = BY_KEY["follower_demographics.age"]
BY_DAYS = [REACH, LIKES, NEW_FOLLOWERS]
LONG = 100  # days, of the back-fill here


def ago(days: int) -> date:
    return DAY - timedelta(days)


def held(
    metric: Metric, day: date, reason: str | None = None, read_at: datetime | None = None
) -> Held:
    """By default read when it could not change any more."""
    dimension = metric.breakdown if metric.kind is Kind.AUDIENCE else ""
    at = read_at or end_of(day) + timedelta(days=3)
    return Held(metric.name, metric.period, dimension, day, end_of(day), reason, at)


def planned(metrics: list[Metric], known: list[Held], days_back: int = LONG) -> list[Ask]:
    return plan(metrics, known, DAY, ago(days_back - 1), BEGAN, TODAY)


_TIMES = (BEFORE, BEGAN, BEGAN - timedelta(days=40))
_STATES = [None, *((reason, at) for reason in (None, None, *Reason) for at in _TIMES)]


def history(drawn: bytes) -> list[Held]:
    """Anything that earlier syncs, or half of this one, may have left behind: a byte for each day
    of each metric, from tomorrow back."""
    rows = []
    for place, byte in enumerate(drawn):
        back, metric = place // len(BY_DAYS) - 1, BY_DAYS[place % len(BY_DAYS)]
        state = _STATES[byte % len(_STATES)]
        if state is not None:
            reason, read_at = state
            rows.append(held(metric, ago(back), reason, max(read_at, end_of(ago(back)))))
    return rows


HISTORIES = st.binary(max_size=60 * len(BY_DAYS)).map(history)


@given(HISTORIES, st.integers(0, LONG))
def test_every_day_that_is_due_is_asked_once_in_a_window_that_meta_takes(
    known: list[Held], days_back: int
) -> None:
    asks = planned(BY_DAYS, known, days_back)
    for metric in BY_DAYS:
        rows = {one.day: one for one in known if one.metric == metric.name}
        due = due_days(metric, rows, DAY, ago(days_back - 1), BEGAN, TODAY)
        mine = [ask for ask in asks if ask.metric is metric]
        for day in due:
            assert sum(ask.first <= day <= ask.last for ask in mine) == 1
        assert all({ask.first, ask.last} <= set(due) for ask in mine)
        # what is missing, open or young is due, whatever else there is
        oldest = min(rows, default=DAY)
        for back in range(60):
            day = ago(back)
            if day < max(oldest, TODAY - timedelta(metric.oldest)) and not is_recent(
                metric, day, DAY
            ):
                break
            row = rows.get(day)
            missing = row is None or (
                row.read_at < BEGAN and (is_recent(metric, day, DAY) or row.reason in OPEN)
            )
            assert day in due or not missing
    for ask in asks:
        asked = question(ask, BEGAN)
        assert asked.since is not None
        assert asked.until is not None
        assert timedelta(0) < asked.until - asked.since <= WINDOW
        assert asked.since.time() == asked.until.time() == time()
        if ask.metric is NEW_FOLLOWERS:
            today = end_of(DAY)
            assert today - WINDOW <= asked.since <= asked.until <= today


@given(HISTORIES, st.data())
def test_what_was_cut_off_goes_on_with_the_rest(known: list[Held], data: st.DataObject) -> None:
    asks = planned(BY_DAYS, known)
    done = asks[: data.draw(st.integers(0, len(asks)))]
    now_known = {(one.metric, one.day): one for one in known} | {
        (ask.metric.name, day): held(ask.metric, day, None, BEGAN)
        for ask in done
        for day in ask.days
    }
    left = planned(BY_DAYS, list(now_known.values()))
    asked = {(ask.metric, day) for ask in done for day in ask.days}
    assert not asked & {(ask.metric, day) for ask in left for day in (ask.first, ask.last)}
    assert len(left) <= len(asks)


def test_the_last_days_come_first_then_gaps_then_what_is_older() -> None:
    known = [
        held(metric, ago(n)) for metric in (REACH, LIKES) for n in range(3, 40) if n not in (9, 20)
    ]
    asks = planned([REACH, LIKES], known, 70)
    assert asks[:7] == [
        Ask(REACH, ago(20), ago(0)),  # in one window with what was missed
        *(Ask(LIKES, ago(n), ago(n)) for n in range(4)),
        Ask(LIKES, ago(9), ago(9)),
        Ask(LIKES, ago(20), ago(20)),
    ]
    older = asks[7:]
    assert older[0] == Ask(REACH, ago(40 + BLOCK - 1), ago(40))
    blocks = [(DAY - ask.last).days // BLOCK for ask in older]
    assert blocks == sorted(blocks)
    assert min(ask.first for ask in asks) == ago(69)


def test_all_fields_of_the_account_are_one_request_and_come_first() -> None:
    asks = planned(list(METRICS), [], 0)
    assert [ask.metric.name for ask in asks if ask.metric.kind is Kind.SNAPSHOT] == [
        "followers_count"
    ]
    assert asks[0].metric.name == "followers_count"


def test_meta_is_not_asked_for_what_lies_before_its_own_time() -> None:
    asks = planned([NEW_FOLLOWERS], [], 365)
    assert min(ask.first for ask in asks) == TODAY - timedelta(30)


def test_the_back_fill_ends_where_meta_has_nothing() -> None:
    numbers = [held(LIKES, ago(n)) for n in range(3, 10)]
    nothing = [held(LIKES, ago(10 + n), Reason.NO_DATA) for n in range(FRUITLESS)]
    assert min(ask.first for ask in planned([LIKES], numbers + nothing[:-1])) == ago(LONG - 1)
    assert min(ask.first for ask in planned([LIKES], numbers + nothing)) == ago(3)


def test_a_number_is_read_again_until_meta_can_not_change_it() -> None:
    ends = datetime(2026, 11, 13, 8, tzinfo=UTC)  # midnight of the Pacific, of the 12th
    for read_at, again in ((ends + timedelta(hours=47), True), (ends + timedelta(hours=48), False)):
        row = Held("reach", "day", "", ago(7), ends, None, read_at)
        assert (planned([REACH], [row], 0)[0].first == ago(7)) is again


def test_an_audience_is_read_every_seventh_day_and_again_where_it_was_refused() -> None:
    assert planned([AGE], [])
    assert not planned([AGE], [held(AGE, ago(6))])
    assert planned([AGE], [held(AGE, ago(7))])
    assert planned([AGE], [held(AGE, ago(1), Reason.NO_PERMISSION, BEFORE)])
    assert not planned([AGE], [held(AGE, ago(0), Reason.NO_PERMISSION, BEGAN)])
    assert not planned([AGE], [held(AGE, ago(1), Reason.TOO_FEW, BEFORE)])


@pytest.mark.parametrize("why", [Reason.REMOVED, Reason.TOO_FEW])
def test_days_for_which_a_metric_was_refused_are_asked_for_once_it_answers(why: Reason) -> None:
    refused = [held(LIKES, ago(n), why, BEFORE) for n in range(1, 9)]
    assert [ask.last for ask in planned([LIKES], refused, 0)] == [ago(n) for n in range(4)]
    for state in (None, Reason.NOT_YET):
        answered = [held(LIKES, ago(0), state, BEGAN), *refused]
        assert [ask.last for ask in planned([LIKES], answered, 0)] == [ago(n) for n in range(1, 9)]


def test_a_refused_audience_is_asked_for_every_day() -> None:
    assert planned([AGE], [held(AGE, ago(1), Reason.REMOVED, BEFORE)])
    assert not planned([AGE], [held(AGE, ago(1), Reason.REMOVED, BEGAN)])
