"""The machine: every rule at its edge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.stories import machine
from services.stories.machine import (
    BLIND,
    LATE,
    PUBLISHES,
    QUIET,
    SETTLED,
    Publication,
    State,
    Status,
    Step,
    Trouble,
    Verdict,
)
from tests.support.rows import NOW

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
NEW = Publication(State.PREPARING, NOW, NOW)
MADE = machine.after_create(NEW, "c1", NOW)
ASKED = machine.ask_for(MADE, NOW)
SPAM = Trouble(Verdict.MANUAL, "spam")
DOUBT = Trouble(Verdict.LOOK, "doubt")


def looked(before: Publication, status: Status, after: timedelta = QUIET) -> Publication:
    """After a look that leads to no request."""
    found, step = machine.after_look(before, status, NOW + after)
    assert step is Step.NONE
    return found


def asks(before: Publication, status: Status, after: timedelta) -> bool:
    return machine.after_look(before, status, NOW + after)[1] is Step.PUBLISH


# ---------------------------------------------------------------- the next step


@pytest.mark.parametrize(
    ("publication", "after", "step"),
    [
        (NEW, timedelta(0), Step.CREATE),
        (NEW, -MOMENT, Step.NONE),
        (NEW, LATE, Step.CREATE),
        (NEW, LATE + MOMENT, Step.ASK_PEOPLE),
        (MADE, timedelta(0), Step.NONE),
        (MADE, timedelta(seconds=3), Step.LOOK),
        (MADE, LATE + MOMENT, Step.ASK_PEOPLE),
        (ASKED, timedelta(0), Step.NONE),
        (ASKED, QUIET, Step.LOOK),
        (ASKED, 30 * DAY, Step.LOOK),
        (replace(ASKED, state=State.UNKNOWN), 30 * DAY, Step.LOOK),
        *((replace(NEW, state=state), DAY, Step.NONE) for state in machine.ENDED),
        *((replace(NEW, state=state), DAY, Step.NONE) for state in (State.BY_HAND, State.HELD)),
    ],
)
def test_the_next_step(publication: Publication, after: timedelta, step: Step) -> None:
    assert machine.next_step(publication, NOW + after) is step


def test_a_new_try_knows_nothing_of_the_last_one() -> None:
    old = replace(ASKED, containers=2, tries=1, verdict=Verdict.MANUAL, word="spam", looks=4)
    begun = machine.begin(replace(old, state=State.HELD), NOW)
    assert begun == replace(NEW, next_at=NOW)


# ---------------------------------------------------------------- making a container


def test_what_fails_to_be_made_is_tried_four_times_with_growing_pauses() -> None:
    now, publication, pauses = NOW, NEW, []
    for _ in range(3):
        publication = machine.after_trouble(publication, Trouble(Verdict.RETRY, "down"), now)
        pauses.append((publication.next_at - now).total_seconds())
        assert publication.state is State.PREPARING
        now = publication.next_at
    assert pauses == [15, 60, 300]
    last = machine.after_trouble(publication, Trouble(Verdict.RETRY, "down"), now)
    assert (last.state, last.word) == (State.BY_HAND, "down")


def test_a_container_made_ends_the_row_of_failures() -> None:
    failed = machine.after_trouble(NEW, Trouble(Verdict.RETRY, "down"), NOW)
    made = machine.after_create(failed, "c1", NOW)
    assert (made.tries, made.verdict, made.word) == (0, None, "")
    assert machine.next_step(made, made.next_at) is Step.LOOK


@pytest.mark.parametrize("allowed", [1, 3])
def test_as_many_new_containers_as_the_error_allows(allowed: int) -> None:
    publication = NEW
    for made in range(1, allowed + 1):
        publication = machine.after_trouble(
            publication, Trouble(Verdict.ANEW, "fetch", anew=allowed), NOW
        )
        assert (publication.state, publication.containers) == (State.PREPARING, made)
    dead = Trouble(Verdict.ANEW, "fetch", anew=allowed)
    assert machine.after_trouble(publication, dead, NOW).state is State.BY_HAND
    container = machine.after_create(publication, "c9", NOW)
    assert machine.after_look(container, Status.ERROR, NOW, dead)[0].state is State.BY_HAND


@pytest.mark.parametrize("verdict", [Verdict.WAIT, Verdict.LOGIN])
def test_waiting_is_no_failure(verdict: Verdict) -> None:
    until = NOW + timedelta(hours=1) if verdict is Verdict.WAIT else None
    publication = NEW
    for _ in range(20):
        publication = machine.after_trouble(publication, Trouble(verdict, "wait", until), NOW)
    assert publication.state is State.PREPARING
    assert publication.next_at == (until or NOW + machine.SOON)
    assert publication.tries == publication.containers == 0


def test_what_meta_will_not_have_goes_to_a_person() -> None:
    assert machine.after_trouble(NEW, SPAM, NOW).state is State.BY_HAND


# ---------------------------------------------------------------- looks


def test_looks_get_rarer_but_never_stop() -> None:
    now, publication, pauses = NOW, MADE, []
    for _ in range(12):
        publication, _ = machine.after_look(publication, Status.IN_PROGRESS, now)
        pauses.append((publication.next_at - now).total_seconds())
        now = publication.next_at
    assert pauses == [5, 10, 20, 30, 60, 60, 60, 60, 60, 300, 300, 300]
    doubtful, _ = machine.after_blind_look(
        replace(ASKED, looks=99), Trouble(Verdict.RETRY, "down"), NOW + DAY
    )
    assert doubtful.next_at == NOW + DAY + machine.RARELY


def test_finished_is_asked_for_once_it_is_committed() -> None:
    found, step = machine.after_look(MADE, Status.FINISHED, NOW)
    assert (step, found.state, found.publish_requested_at) == (Step.PUBLISH, State.PROCESSING, None)
    assert (ASKED.state, ASKED.publishes, ASKED.next_at) == (State.PUBLISHING, 1, NOW + QUIET)


def test_finished_is_believed_half_a_minute_after_asking() -> None:
    assert looked(ASKED, Status.FINISHED, QUIET - MOMENT).next_at == NOW + QUIET
    assert asks(ASKED, Status.FINISHED, QUIET)


@pytest.mark.parametrize("verdict", [None, *Verdict])
@pytest.mark.parametrize("before", [MADE, ASKED, replace(ASKED, state=State.UNKNOWN)])
def test_published_is_the_end(before: Publication, verdict: Verdict | None) -> None:
    ended = looked(replace(before, verdict=verdict), Status.PUBLISHED)
    assert (ended.state, ended.verdict) == (State.PUBLISHED, None)


@pytest.mark.parametrize("status", [Status.ERROR, Status.EXPIRED])
def test_a_dead_container_is_replaced(status: Status) -> None:
    anew = looked(MADE, status)
    assert (anew.state, anew.container_id, anew.containers) == (State.PREPARING, None, 1)


@pytest.mark.parametrize("status", [Status.ERROR, Status.EXPIRED])
def test_it_is_not_believed_to_be_dead_while_a_request_may_take_effect(status: Status) -> None:
    waiting = looked(ASKED, status, SETTLED - MOMENT)
    assert (waiting.container_id, waiting.next_at) == ("c1", NOW + SETTLED)
    assert looked(ASKED, status, SETTLED).state is State.PREPARING


def test_a_readable_container_is_no_doubt_any_more() -> None:
    doubtful, _ = machine.after_blind_look(ASKED, DOUBT, NOW + QUIET)
    assert doubtful.state is State.UNKNOWN
    seen = looked(doubtful, Status.IN_PROGRESS)
    assert (seen.state, seen.verdict, seen.word) == (State.PUBLISHING, None, "")


# ---------------------------------------------------------------- looks that see nothing


def test_a_photo_that_cannot_be_seen_is_asked_for_after_a_minute() -> None:
    assert machine.after_blind_look(MADE, DOUBT, NOW + BLIND - MOMENT)[1] is Step.NONE
    assert machine.after_blind_look(MADE, DOUBT, NOW + BLIND)[1] is Step.PUBLISH
    film = replace(MADE, is_photo=False)
    assert machine.after_blind_look(film, DOUBT, NOW + DAY)[1] is Step.NONE
    down = Trouble(Verdict.RETRY, "down")
    assert machine.after_blind_look(MADE, down, NOW + DAY)[1] is Step.NONE


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_was_asked_for_blind_is_never_asked_for_blind_again(verdict: Verdict) -> None:
    found, step = machine.after_blind_look(ASKED, Trouble(verdict, "x"), NOW + DAY)
    assert (step, found.state, found.container_id) == (Step.NONE, State.UNKNOWN, "c1")


def test_a_refused_look_condemns_no_story() -> None:
    doubtful, _ = machine.after_blind_look(ASKED, SPAM, NOW + QUIET)
    assert asks(doubtful, Status.FINISHED, QUIET)


# ---------------------------------------------------------------- after media_publish


def test_an_answer_is_the_end() -> None:
    ended = machine.after_publish(ASKED, "m1", NOW)
    assert (ended.state, ended.media_id) == (State.PUBLISHED, "m1")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_whatever_was_said_the_container_is_looked_at(verdict: Verdict) -> None:
    doubtful = machine.after_publish(ASKED, Trouble(verdict, "x"), NOW)
    assert (doubtful.state, doubtful.container_id) == (State.PUBLISHING, "c1")
    assert machine.next_step(doubtful, doubtful.next_at) is Step.LOOK


def test_a_limit_is_waited_for_before_the_look() -> None:
    until = NOW + timedelta(hours=1)
    held = machine.after_publish(ASKED, Trouble(Verdict.WAIT, "limit", until), NOW)
    assert held.next_at == until


def test_what_is_refused_for_good_goes_to_a_person_once_nothing_can_take_effect() -> None:
    refused = machine.after_publish(ASKED, SPAM, NOW)
    blind, _ = machine.after_blind_look(refused, DOUBT, NOW + QUIET)
    assert blind.verdict is Verdict.MANUAL
    waiting = looked(blind, Status.FINISHED, SETTLED - MOMENT)
    assert (waiting.state, waiting.next_at) == (State.PUBLISHING, NOW + SETTLED)
    given = looked(waiting, Status.FINISHED, SETTLED)
    assert (given.state, given.word, given.publish_requested_at) == (State.BY_HAND, "spam", None)


def test_a_container_is_asked_for_five_times_at_most() -> None:
    publication, now = MADE, NOW
    for _ in range(PUBLISHES):
        publication, step = machine.after_look(publication, Status.FINISHED, now)
        assert step is Step.PUBLISH
        publication = machine.after_publish(machine.ask_for(publication, now), DOUBT, now)
        now += QUIET
    publication, step = machine.after_look(publication, Status.FINISHED, now)
    assert (step, publication.state) == (Step.NONE, State.PUBLISHING)
    publication, _ = machine.after_look(publication, Status.FINISHED, publication.next_at)
    assert publication.state is State.BY_HAND


# ---------------------------------------------------------------- people


@pytest.mark.parametrize("state", list(State))
def test_who_may_take_it_by_hand(state: State) -> None:
    over = state in (*machine.ENDED, State.BY_HAND)
    assert machine.may_be_taken_by_hand(replace(MADE, state=state)) is not over
    assert not machine.may_be_taken_by_hand(replace(ASKED, state=state))


def test_a_person_is_asked_after_a_day_of_doubt() -> None:
    assert not machine.wants_a_person(ASKED, NOW + DAY - MOMENT)
    assert machine.wants_a_person(ASKED, NOW + DAY)
    assert not machine.wants_a_person(MADE, NOW + DAY)
    assert machine.told(ASKED, NOW, live=True).state is State.PUBLISHED
    gone = machine.told(replace(ASKED, verdict=Verdict.LOOK), NOW, live=False)
    assert (gone.state, gone.container_id, gone.verdict) == (State.BY_HAND, None, None)


def test_who_is_late_is_asked_again() -> None:
    again = machine.ask_again(MADE, NOW + DAY)
    assert (again.state, again.container_id) == (State.ASKING, None)
