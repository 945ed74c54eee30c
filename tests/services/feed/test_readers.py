"""Readers with addresses of their own."""

from __future__ import annotations

import re

import pytest

from services.errors import BadInput, NotAllowed
from services.feed.readers import MAX_READERS, Readers, qr_code
from services.feed.visits import Visits
from storage.database import Database
from storage.feeds import Feed
from tests.support.clock import StillClock
from tests.support.feeds import a_feed
from tests.support.rows import LEO, MIA, person


@pytest.fixture
def service(database: Database, clock: StillClock) -> Readers:
    return Readers(database, clock, base="https://reelay.example/")


def token_of(address: str) -> str:
    found = re.fullmatch(r"https://reelay\.example/f/([A-Za-z0-9_-]{22})/feed\.xml", address)
    assert found, address
    return found[1]


async def test_a_reader_is_made_rotated_and_revoked(
    database: Database, clock: StillClock, feed: Feed, service: Readers
) -> None:
    made = await service.add(MIA, feed.id, "  My \n phone ")
    assert made.reader.name == "My phone"
    assert made.address == f"{made.archive}feed.xml"
    rotated = await service.rotate(MIA, made.reader.id)
    tokens = [token_of(one.address) for one in (made, rotated)]
    found = [await Visits(database).enter(token, clock()) for token in tokens]
    assert [access and access.reader_id for access in found] == [None, made.reader.id]
    await service.revoke(MIA, made.reader.id)
    assert await Visits(database).enter(tokens[1], clock()) is None
    assert await service.of_user(MIA) == []


async def test_only_what_is_theirs(database: Database, feed: Feed, service: Readers) -> None:
    await person(database, LEO)
    made = await service.add(MIA, feed.id, "Phone")
    for refused in (
        service.add(LEO, feed.id, "Phone"),
        service.add(MIA, 999, "Phone"),
        service.rotate(LEO, made.reader.id),
        service.revoke(LEO, made.reader.id),
    ):
        with pytest.raises(NotAllowed):
            await refused


async def test_a_name_is_needed_and_there_is_an_end(feed: Feed, service: Readers) -> None:
    with pytest.raises(BadInput):
        await service.add(MIA, feed.id, " \n ")
    for number in range(MAX_READERS):
        await service.add(MIA, feed.id, f"{number}" * 99)
    with pytest.raises(BadInput):
        await service.add(MIA, feed.id, "One more")
    assert len((await service.of_user(MIA))[0].name) == 40


def test_a_qr_code_is_a_picture() -> None:
    assert qr_code("https://reelay.example/f/" + "x" * 22 + "/feed.xml").startswith(b"\x89PNG")


async def test_another_feed_of_the_same_person(database: Database, service: Readers) -> None:
    await person(database, MIA)
    feeds = [await a_feed(database), await a_feed(database, identity="1000")]
    made = [await service.add(MIA, one.id, "Phone") for one in feeds]
    assert [one.reader.feed_id for one in made] == [one.id for one in feeds]
