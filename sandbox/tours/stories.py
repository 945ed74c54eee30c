"""The tour of stories: connect Meta, publish by the API and by hand, lose an answer of Meta's, and
live through the nights in which the clocks change; then compare with what Meta's stand-in had live.

Knows stories only as a person in the chat does. The nights need no other clock: the account's time
zone is one of the sandbox's, whose clocks change while the tour lasts.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TextIO

from sandbox.demo import STORY_PHOTO, Sandbox
from sandbox.graph.rules import Call
from sandbox.telegram.wire import Json
from sandbox.tours.stage import Stage
from sandbox.tours.visitor import TourFailed, Visitor
from sandbox.world import pictures
from sandbox.zones import Zone

ACCOUNT = "mia"
PATIENCE = 150.0  # seconds: half a minute to undo, half a minute before Meta is asked again, films
WAIT = 240.0  # seconds that the slots, the last story or the last copy may take
LOOK = 3.0  # seconds between two looks at what nobody announces
CATEGORY = "Nights"
NO_ANSWER = 0  # in the stand-in's log
OVER = frozenset({"published", "posted", "skipped", "failed"})
# Slots of the nights, and when each of them is, in minutes after the clocks are set. In autumn
# 02:30 comes twice, half an hour before the change and half an hour after it: the slot is the
# first. In spring it does not come at all: the slot is as long after the change. Stories are made
# an hour ahead, so one of a second 02:30 would be there as soon as that of 03:00.
AUTUMN = {"2:30": -30, "3:00": 60}
SPRING = {"2:30": 30}

Rows = Sequence[dict[str, str]]


async def tour_stories(stage: Stage) -> dict[str, object]:
    """Six stories: a film and two photos of bad days, and three of the nights."""
    mia = await stage.owner(patience=PATIENCE)
    return await visit_stories(mia, stage.sandbox, stage.out)


async def visit_stories(mia: Visitor, sandbox: Sandbox, out: TextIO) -> dict[str, object]:
    """For a visitor who may use the bot. Errors: TourFailed."""
    await _connect(mia, sandbox)
    by_hand = await _bad_days(mia, sandbox, out)
    await _stock(mia, photos=len(AUTUMN) + len(SPRING))
    autumn = await _autumn(mia, sandbox, out)
    await _spring(mia, sandbox, autumn, out)
    rows = await _until_over(mia)
    await _until(lambda: not sandbox.cloudinary.assets, patience=WAIT)
    return _facts(sandbox, rows, by_hand, out)


# ---------------------------------------------------------------- connect


async def _connect(mia: Visitor, sandbox: Sandbox) -> None:
    mia.say("/connect")
    await mia.tap("Meta: stories, insights")
    await mia.tap("Paste a token")
    await mia.sees("Paste a token of Meta's App Dashboard")
    mia.say(sandbox.meta.instagram_token(ACCOUNT))
    await mia.sees(f"Connected at Meta\n@{ACCOUNT} · Instagram · Business")


# ---------------------------------------------------------------- by the API, and by hand


async def _bad_days(mia: Visitor, sandbox: Sandbox, out: TextIO) -> list[bytes]:
    """A film, whose answer is lost; two photos that people post, one of them because Meta won't.
    Returns the files of these two."""
    sandbox.switch("meta-lost-answer", True)
    await _post_film(mia, sandbox)
    await _send(mia, "poll.jpg", 1, caption="Put the poll on it: sea or hills?")
    await mia.tap("Needs hand")
    await mia.sees_button("✓ 🔗 Needs hand")
    await mia.tap("Post now")
    poll = await _posts_by_hand(mia)

    await _until(lambda: bool(sandbox.meta.published), "the film to be live at Meta")
    sandbox.switch("meta-lost-answer", False)
    sandbox.switch("meta-bad-media", True)
    await _send(mia, "hills.jpg", 2)
    await mia.tap("Post now")
    hills = await _posts_by_hand(mia)
    sandbox.switch("meta-bad-media", False)
    await mia.sees("🎬 Live ")
    _check_film(sandbox)
    _say(out, "Meta was asked once for the film, its answer was lost, and the film is live once")
    return [poll, hills]


async def _post_film(mia: Visitor, sandbox: Sandbox) -> None:
    film = next(one for one in sandbox.samples() if one.name == "story-film")
    mia.send_file(film.filename, film.data, film.mime)
    await mia.sees(f"(?s){re.escape(film.filename)}.*✅")
    await mia.tap("Post now")
    await mia.sees("You can undo it until then")


def _check_film(sandbox: Sandbox) -> None:
    """Asked for once, without an answer, and live. Errors: TourFailed."""
    answers = [one.status for one in sandbox.meta.requests if one.call is Call.PUBLISH]
    if answers != [NO_ANSWER] or len(sandbox.meta.published) != 1:
        raise TourFailed(f"media_publish: {answers}, live: {len(sandbox.meta.published)}")


async def _send(mia: Visitor, name: str, motif: int, *, caption: str = "") -> Json:
    """As a file, for full quality; returns its card."""
    photo = await asyncio.to_thread(pictures.jpeg, motif, *STORY_PHOTO)
    mia.send_file(name, photo, "image/jpeg", caption=caption)
    return await mia.sees(f"(?s){re.escape(name)}.*✅")


async def _posts_by_hand(mia: Visitor) -> bytes:
    """Waits for the file with the steps, and posts it in Instagram's app; returns its bytes."""
    file = await mia.receives(".jpg")
    await mia.sees("(?s)By hand.*Save the file below")
    await mia.tap("I posted it")
    await mia.sees_button("History")
    return file


# ---------------------------------------------------------------- the nights


async def _stock(mia: Visitor, photos: int) -> None:
    """Photos of a category that asks before each story, and an hour for the answer."""
    for number in range(photos):
        name = f"night-{number + 1}.jpg"
        await _send(mia, name, 4 + number)
        await mia.tap("🏷 Category")
        if number:
            await mia.tap(f"🏷 {CATEGORY}")
        else:
            await mia.sees("send a new name")
            mia.say(CATEGORY)
        await mia.sees(f"(?s){re.escape(name)}.*🏷 {CATEGORY}")
    mia.say("/schedule")
    await mia.tap("More")
    await mia.tap("🔔 Asked")
    await mia.tap("60 min")
    await mia.sees_button("Asked · 60 min")


async def _autumn(mia: Visitor, sandbox: Sandbox, out: TextIO) -> Zone:
    """The hour from two comes twice: what was due is posted once. Stays until after the change."""
    zone, before = sandbox.zones.autumn(), await _table(mia)
    _say(out, f"at {zone.change:%H:%M} UTC the clocks of {zone.name} go from 03:00 back to 02:00")
    await _move(mia, zone)
    await _add_slots(mia, f"{zone.weekday} {' '.join(AUTUMN)}")
    asked = [await _is_asked(mia, "02:30")]
    await _until(lambda: sandbox.now() > zone.change, "the change of the clocks")
    _say(out, "the clocks have gone back: 02:30 is still to come, for the second time")
    asked.append(await _is_asked(mia, "03:00"))
    await _check_night(mia, zone, AUTUMN, before, out)
    for question in asked:
        await mia.tap("Post now", below=question)
    return zone


async def _spring(mia: Visitor, sandbox: Sandbox, autumn: Zone, out: TextIO) -> None:
    """The hour from two never comes. `autumn`: from where the visitor moves."""
    zone, before = sandbox.zones.spring(), await _table(mia)
    _say(out, f"at {zone.change:%H:%M} UTC the clocks of {zone.name} go from 02:00 on to 03:00")
    mia.say("/schedule")
    card = await mia.sees(f"The next 7 days · @{ACCOUNT} · {autumn.name}")
    await mia.tap("🕐 Slots", below=card)
    await mia.tap(f"✖️ {autumn.weekday} 3:00", below=card)
    await mia.sees(f"{autumn.weekday} 02:30\n")
    await _move(mia, zone)
    await _add_slots(mia, f"{zone.weekday} {' '.join(SPRING)}")
    asked = await _is_asked(mia, "03:30")
    await _check_night(mia, zone, SPRING, before, out)
    await mia.tap("Skip", below=asked)
    await mia.sees("Skipped")


async def _move(mia: Visitor, zone: Zone) -> None:
    mia.say("/schedule")
    await mia.tap("More")
    await mia.tap("🌍 Time zone")
    await mia.sees("Send another, such as")
    mia.say(zone.name)
    await mia.sees_button(f"Time zone · {zone.name}")


async def _add_slots(mia: Visitor, slots: str) -> None:
    mia.say("/schedule")
    await mia.tap("🕐 Slots")
    await mia.sees("Send more, such as")
    mia.say(slots)
    await mia.sees_button(f"✖️ {slots[: slots.index(':') + 3]}")


async def _is_asked(mia: Visitor, at: str) -> Json:
    """The question for the slot at this time, with what was looked at before."""
    return await mia.sees(rf"(?s)Due (\w+ \d+ \w+ )?{at}: shall it go out.*public address fetched")


async def _check_night(
    mia: Visitor, zone: Zone, slots: dict[str, int], before: Rows, out: TextIO
) -> None:
    """One story for each slot, at its time, and no other. Errors: TourFailed."""
    known = {row["story"] for row in before}
    found = Counter(
        datetime.fromisoformat(row["due"]) for row in await _table(mia) if row["story"] not in known
    )
    wanted = {slot: zone.change + timedelta(minutes=after) for slot, after in slots.items()}
    for slot, at in wanted.items():
        _say(out, f"slot {slot:>5} of the night: {found[at]} story, at {at:%H:%M} UTC")
    if found != Counter(wanted.values()):
        times = ", ".join(at.isoformat(timespec="minutes") for at in sorted(found.elements()))
        raise TourFailed(f"not one story for each slot of {zone.name}, but: {times}")


# ---------------------------------------------------------------- what became of them


async def _table(mia: Visitor) -> Rows:
    mia.say("/stories")
    await mia.tap("CSV")
    text = (await mia.receives("stories.csv")).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def _until_over(mia: Visitor) -> Rows:
    """The table, once every story has ended. Errors: TourFailed."""
    begun = time.monotonic()
    while True:
        rows = await _table(mia)
        states = {row["state"] for row in rows}
        if states <= OVER:
            return rows
        if time.monotonic() - begun > WAIT:
            raise TourFailed(f"after {WAIT:.0f} s not every story has ended: {states - OVER}")
        await asyncio.sleep(4 * LOOK)


async def _until(is_so: Callable[[], bool], what: str = "", *, patience: float = PATIENCE) -> None:
    """Looks until it is so. Errors: TourFailed, if it is said `what` for."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > patience:
            if what:
                raise TourFailed(f"{patience:.0f} s in vain for {what}")
            return
        await asyncio.sleep(LOOK)


def _facts(
    sandbox: Sandbox, rows: Rows, by_hand: Sequence[bytes], out: TextIO
) -> dict[str, object]:
    """Of the chat's table, beside what Meta's and Cloudinary's stand-ins hold. Errors: TourFailed,
    if they do not agree."""
    methods = Counter(row["posting_method"] for row in rows)
    states = Counter(row["state"] for row in rows)
    facts: dict[str, object] = {
        "stories": len(rows),
        "published_api": methods["api"],
        "published_manual": methods["manual"],
        "live_at_meta": len(sandbox.meta.live(ACCOUNT)),
        "published_twice": len(_twice(sandbox, by_hand)),
        "unknown": states["unknown"],
        "skipped": states["skipped"],
        "cloud_copies_left": len(sandbox.cloudinary.assets),
    }
    _say(out, ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items()))
    if facts["published_twice"] or facts["live_at_meta"] != facts["published_api"]:
        raise TourFailed(f"what is live is not what the chat says: {facts}")
    return facts


def _twice(sandbox: Sandbox, by_hand: Sequence[bytes]) -> list[str]:
    """sha256 of the files that went live more than once, whoever posted them."""
    times = Counter(story.media.sha256 for story in sandbox.meta.published)
    times.update(hashlib.sha256(file).hexdigest() for file in by_hand)
    return [sha256 for sha256, number in times.items() if number > 1]


def _say(out: TextIO, text: str) -> None:
    print(f"    * {text}", file=out, flush=True)
