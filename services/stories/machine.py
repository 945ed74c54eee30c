"""How a story gets live exactly once: every decision of a publication, pure.

The law (Meta has no idempotency key, and an answer may be lost after it took effect):

    PREPARING --copy, container--> PROCESSING --FINISHED--> PUBLISHING --PUBLISHED--> PUBLISHED
        ^                               |                     |    ^
        |                        ERROR, EXPIRED               |    FINISHED, half a minute later:
        |                               |                 doubt    the same container once more
        +-------- a new one ------------+                     v    |
        +-------- ERROR, EXPIRED, ten minutes later ------- UNKNOWN --a day later--> a person says

* Each state is committed before the call that it announces.
* `media_publish` is asked for once per commit; whatever the answer was, the container's status is
  read before anything else is done. Asking again for the same container is safe: Meta publishes a
  container at most once.
* A new container is made only when the old one is known to be dead: ERROR, EXPIRED, or never
  asked to be published.
* The story changes hands (BY_HAND, ASKING) only when no request of ours can still take effect;
  then nothing of its container is kept.

Called by services.stories.publishing, which does what `next_step` says and stores what `after_…`
returns, and by services.stories.deciding. Source: Meta's pages on content publishing, and public
reports of lost answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """Of a story. Those of AT_WORK wait for a job, the others for a person or a time."""

    SCHEDULED = "scheduled"
    ASKING = "asking"  # the preview is in the chat
    HELD = "held"  # approved; can be undone until `next_at`
    PREPARING = "preparing"  # no container yet, or the last one is dead
    PROCESSING = "processing"  # Meta works on the container
    PUBLISHING = "publishing"  # media_publish was, or is just about to be, asked for
    UNKNOWN = "unknown"  # asked for, and the container can't be read
    BY_HAND = "by_hand"  # a person posts it
    PUBLISHED = "published"  # live, by the API
    POSTED = "posted"  # live, by a person
    SKIPPED = "skipped"


AT_WORK = (State.PREPARING, State.PROCESSING, State.PUBLISHING, State.UNKNOWN)
IN_DOUBT = (State.PUBLISHING, State.UNKNOWN)
ENDED = (State.PUBLISHED, State.POSTED, State.SKIPPED)


class Status(StrEnum):
    """What a look at the container says."""

    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    PUBLISHED = "PUBLISHED"
    ERROR = "ERROR"
    EXPIRED = "EXPIRED"


ANEW = 3  # new containers for one story, where Meta's error does not want fewer


class Verdict(StrEnum):
    """What an error means for the publication, whatever Meta called it."""

    RETRY = "retry"  # later, with growing pauses
    WAIT = "wait"  # not before the time that it named
    LOGIN = "login"  # a person must connect the account again; nothing is lost
    LOOK = "look"  # the container's status decides
    ANEW = "anew"  # this container is dead
    MANUAL = "manual"  # Meta will not have it


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error that was met. `until`: for WAIT. `anew`: new containers it allows in all."""

    verdict: Verdict
    word: str  # a key of the chat's texts
    until: datetime | None = None
    anew: int = ANEW


@dataclass(frozen=True, slots=True)
class Publication:
    """The part of a story's row that the machine moves. Times are aware UTC.

    `containers`: new ones made because earlier ones failed. `publish_requested_at`, `publishes`:
    when media_publish was last asked for this container, and how often. `looks`: at it since it
    was made, or asked for. `tries`: failures in a row to make one. `verdict`, `word`: of the
    trouble that it is in, None and "" if there is none.
    """

    state: State
    due_at: datetime
    next_at: datetime
    container_id: str | None = None
    container_made_at: datetime | None = None
    containers: int = 0
    is_photo: bool = True
    publish_requested_at: datetime | None = None
    publishes: int = 0
    looks: int = 0
    tries: int = 0
    verdict: Verdict | None = None
    word: str = ""
    media_id: str | None = None


class Step(StrEnum):
    """The next effect."""

    NONE = "none"
    ASK_PEOPLE = "ask_people"  # whether they still want it: `ask_again`
    CREATE = "create"  # a public copy, and a container for it
    LOOK = "look"
    PUBLISH = "publish"


# Between the looks after a container was made, or asked to be published; then SELDOM, for the day
# that the container lives; then RARELY, while nobody has said whether the story is live.
_LOOKS = [timedelta(seconds=seconds) for seconds in (3, 5, 10, 20, 30, 60, 60, 60, 60, 60)]
SOON = timedelta(minutes=1)
SELDOM = timedelta(minutes=5)
RARELY = timedelta(hours=1)
_RETRIES = [timedelta(seconds=seconds) for seconds in (15, 60, 300, 900)]
BLIND = timedelta(seconds=60)  # then a photo that can't be looked at is asked for all the same
QUIET = timedelta(seconds=30)  # after media_publish, before FINISHED is believed
SETTLED = timedelta(minutes=10)  # after which no request can still take effect
LATE = timedelta(hours=2)  # after its time a story is not posted without being asked for again
ASK_AFTER = timedelta(hours=24)  # of doubt
PUBLISHES = 5  # of one container
MANUAL_AFTER = 4  # failures in a row to make a container


def begin(publication: Publication, now: datetime) -> Publication:
    """Approved, or automatic: the first step."""
    cleared = _untroubled(_without_container(publication))
    return replace(cleared, state=State.PREPARING, next_at=now, containers=0, tries=0)


def next_step(publication: Publication, now: datetime) -> Step:
    """What to do now; nothing before `next_at`.

    PUBLISH never comes from here: only a look leads to it.
    """
    if publication.state not in AT_WORK or now < publication.next_at:
        return Step.NONE
    if publication.publish_requested_at is None and now - publication.due_at > LATE:
        return Step.ASK_PEOPLE
    return Step.CREATE if publication.state is State.PREPARING else Step.LOOK


def after_create(publication: Publication, container_id: str, now: datetime) -> Publication:
    return replace(
        _untroubled(_without_container(publication)),
        state=State.PROCESSING,
        container_id=container_id,
        container_made_at=now,
        tries=0,
        next_at=now + _LOOKS[0],
    )


def after_trouble(publication: Publication, trouble: Trouble, now: datetime) -> Publication:
    """CREATE failed: nothing can be live because of it, so every way is open."""
    known = _noted(publication, trouble)
    match trouble.verdict:
        case Verdict.WAIT | Verdict.LOGIN:
            return hold(publication, trouble, now)
        case Verdict.ANEW | Verdict.MANUAL:
            return _anew(publication, trouble, now)
    if publication.tries + 1 >= MANUAL_AFTER:
        return _by_hand(known, now)
    return replace(known, tries=publication.tries + 1, next_at=now + _pause(publication.tries))


def hold(publication: Publication, trouble: Trouble, now: datetime) -> Publication:
    """The next step has to wait: nothing was done."""
    return replace(_noted(publication, _softened(trouble)), next_at=_later(trouble, now, SOON))


def after_look(
    publication: Publication, status: Status, now: datetime, dead: Trouble | None = None
) -> tuple[Publication, Step]:
    """What was seen, and PUBLISH if media_publish is to be asked for: `ask_for` first.

    `dead`: why, with ERROR and EXPIRED.
    """
    asked = publication.publish_requested_at
    looked = replace(
        publication,
        state=State.PROCESSING if asked is None else State.PUBLISHING,
        looks=publication.looks + 1,
    )
    if not _refused_for_good(publication):
        looked = _untroubled(looked)
    match status:
        case Status.PUBLISHED:
            return _published(looked, now), Step.NONE
        case Status.IN_PROGRESS:
            return replace(looked, next_at=_next_look(looked, now)), Step.NONE
        case Status.FINISHED:
            return _finished(looked, now)
    if asked is not None and now - asked < SETTLED:
        return replace(looked, next_at=asked + SETTLED), Step.NONE
    return _anew(looked, dead or Trouble(Verdict.ANEW, "container_dead"), now), Step.NONE


def after_blind_look(
    publication: Publication, trouble: Trouble, now: datetime
) -> tuple[Publication, Step]:
    """The container could not be read, which says nothing about it."""
    known = _noted(publication, _softened(trouble))
    looked = replace(known, looks=publication.looks + 1)
    looked = replace(looked, next_at=_later(trouble, now, _next_look(looked, now) - now))
    if publication.publish_requested_at is not None:
        return replace(looked, state=State.UNKNOWN), Step.NONE
    made = publication.container_made_at or now
    if trouble.verdict is Verdict.LOOK and publication.is_photo and now - made >= BLIND:
        # Meta's reads are known to be out for weeks; too early is answered by a harmless refusal
        return looked, Step.PUBLISH
    return looked, Step.NONE


def ask_for(publication: Publication, now: datetime) -> Publication:
    """To be committed before the one call of media_publish. Should the process die in between, the
    next look finds FINISHED and asks again; should it die after it, that look finds PUBLISHED."""
    return replace(
        _untroubled(publication),
        state=State.PUBLISHING,
        publish_requested_at=now,
        publishes=publication.publishes + 1,
        looks=0,
        next_at=now + QUIET,
    )


def after_publish(publication: Publication, answer: str | Trouble, now: datetime) -> Publication:
    """`answer`: the media id, or what was said instead; then the container is looked at."""
    if isinstance(answer, str):
        return replace(_published(publication, now), media_id=answer)
    return replace(_noted(publication, answer), next_at=_later(answer, now, QUIET))


def give_up(publication: Publication, trouble: Trouble, now: datetime) -> Publication:
    """Nothing was asked of Meta that could make it live: a person posts it."""
    assert publication.publish_requested_at is None
    return _by_hand(_noted(publication, trouble), now)


def ask_again(publication: Publication, now: datetime) -> Publication:
    """Its time is long over, and nothing was asked of Meta: who wants it out says so again."""
    assert publication.publish_requested_at is None
    return replace(_without_container(publication), state=State.ASKING, next_at=now)


def may_be_taken_by_hand(publication: Publication) -> bool:
    """No request of ours can make it live: the last one's container is dead, or there was none."""
    over = (*ENDED, State.BY_HAND)
    return publication.publish_requested_at is None and publication.state not in over


def taken_by_hand(publication: Publication, now: datetime) -> Publication:
    assert may_be_taken_by_hand(publication)
    return _by_hand(_untroubled(publication), now)


def wants_a_person(publication: Publication, now: datetime) -> bool:
    """In doubt for a day: only somebody who looks at Instagram can tell."""
    asked = publication.publish_requested_at
    return publication.state in IN_DOUBT and asked is not None and now - asked >= ASK_AFTER


def told(publication: Publication, now: datetime, *, live: bool) -> Publication:
    """A person has looked at Instagram. If it is not there, they post it, or let it be."""
    return _published(publication, now) if live else _by_hand(_untroubled(publication), now)


# ------------------------------------------------------------------ the ways out of a look


def _finished(publication: Publication, now: datetime) -> tuple[Publication, Step]:
    """Not live, as far as Meta knows."""
    asked = publication.publish_requested_at
    if asked is None:
        return publication, Step.PUBLISH
    if now - asked < QUIET:
        return replace(publication, next_at=asked + QUIET), Step.NONE
    if publication.publishes < PUBLISHES and not _refused_for_good(publication):
        return publication, Step.PUBLISH
    if now - asked < SETTLED:
        return replace(publication, next_at=asked + SETTLED), Step.NONE
    return _by_hand(publication, now), Step.NONE


def _anew(publication: Publication, trouble: Trouble, now: datetime) -> Publication:
    """There is no container, or it is dead: nothing of it can get live any more."""
    known = _noted(_without_container(publication), trouble)
    if trouble.verdict is Verdict.MANUAL or publication.containers >= trouble.anew:
        return _by_hand(known, now)
    return replace(
        known,
        state=State.PREPARING,
        containers=publication.containers + 1,
        next_at=now + _pause(publication.containers),
    )


def _published(publication: Publication, now: datetime) -> Publication:
    return replace(_untroubled(publication), state=State.PUBLISHED, next_at=now)


def _by_hand(publication: Publication, now: datetime) -> Publication:
    return replace(_without_container(publication), state=State.BY_HAND, next_at=now)


def _without_container(publication: Publication) -> Publication:
    return replace(
        publication,
        container_id=None,
        container_made_at=None,
        publish_requested_at=None,
        publishes=0,
        looks=0,
    )


def _noted(publication: Publication, trouble: Trouble) -> Publication:
    if _refused_for_good(publication):
        return publication
    return replace(publication, verdict=trouble.verdict, word=trouble.word)


def _softened(trouble: Trouble) -> Trouble:
    """A refusal to be looked at condemns no story."""
    condemned = trouble.verdict is Verdict.MANUAL
    return replace(trouble, verdict=Verdict.LOOK) if condemned else trouble


def _untroubled(publication: Publication) -> Publication:
    return replace(publication, verdict=None, word="")


def _refused_for_good(publication: Publication) -> bool:
    """By media_publish; no later look takes that back."""
    asked = publication.publish_requested_at is not None
    return asked and publication.verdict is Verdict.MANUAL


def _pause(index: int) -> timedelta:
    return _RETRIES[min(index, len(_RETRIES) - 1)]


def _later(trouble: Trouble, now: datetime, pause: timedelta) -> datetime:
    return max(now + pause, trouble.until or now)


def _next_look(publication: Publication, now: datetime) -> datetime:
    if publication.looks < len(_LOOKS):
        return now + _LOOKS[publication.looks]
    return now + (RARELY if wants_a_person(publication, now) else SELDOM)
