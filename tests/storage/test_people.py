"""Users and invitations."""

from __future__ import annotations

import asyncio

from storage import credits, people
from storage.database import Database
from tests.support.rows import LEO, MIA, NOW, ZOE, an_import, archived, at, person


async def invite(database: Database, token_hash: str = "hash") -> None:
    async with database.write() as db:
        await people.invite(
            db, token_hash=token_hash, role="admin", created_by=MIA, now=NOW, expires_at=at(60)
        )


async def use(database: Database, user_id: int, minutes: float = 1) -> people.Invitation | None:
    async with database.write() as db:
        return await people.use_invitation(db, "hash", user_id, at(minutes))


async def test_a_person_is_added_once(database: Database) -> None:
    await person(database, MIA, role="owner")
    async with database.write() as db:
        again = await people.add(
            db, MIA, name="Other", username=None, locale="de", role="admin", now=NOW
        )
        user = await people.get(db, MIA)
    assert not again
    assert user is not None
    assert (user.name, user.role, user.status, user.zone, user.muted) == (
        "User 11",
        "owner",
        "active",
        "UTC",
        [],
    )


async def test_there_is_one_owner_even_if_two_claim_at_once(database: Database) -> None:
    async def claim(user_id: int) -> bool:
        async with database.write() as db:
            return await people.add(
                db, user_id, name="x", username=None, locale="en", role="owner", now=NOW
            )

    assert sorted(await asyncio.gather(*map(claim, (MIA, LEO, ZOE)))) == [False, False, True]


async def test_leaders_are_those_who_can_act(database: Database) -> None:
    async with database.read() as db:
        assert not await people.has_owner(db)
    await person(database, MIA, role="owner")
    await person(database, LEO, role="admin")
    await person(database, ZOE)
    async with database.write() as db:
        assert await people.has_owner(db)
        assert sorted(await people.leaders(db)) == [MIA, LEO]
        await people.change(db, LEO, status="blocked")
        assert await people.leaders(db) == [MIA]
        assert [user.id for user in await people.everyone(db)] == [MIA, LEO, ZOE]
        assert not await people.change(db, 404, name="nobody")


async def test_an_invitation_lets_one_of_many_in(database: Database) -> None:
    for user_id in (MIA, LEO, ZOE):
        await person(database, user_id)
    await invite(database)
    answers = await asyncio.gather(use(database, LEO), use(database, ZOE), use(database, LEO))
    (taken,) = [one for one in answers if one]
    assert (taken.role, taken.created_by) == ("admin", MIA)


async def test_an_invitation_ends_with_its_time(database: Database) -> None:
    await person(database, MIA)
    await invite(database)
    assert await use(database, MIA, minutes=60) is None
    assert await use(database, MIA, minutes=59) is not None


async def test_a_person_goes_when_it_is_due_with_all_that_hangs_on_them(
    database: Database,
) -> None:
    await person(database, MIA, balance=5)
    await invite(database)
    made = await an_import(database, MIA, count=2)
    await archived(database, MIA)
    async with database.write() as db:
        await credits.charge(db, MIA, made.id, made.items, NOW)
        assert not await people.delete(db, MIA, NOW)  # nobody asked
        await people.change(db, MIA, delete_after=at(60))
        assert not await people.delete(db, MIA, at(59))
        assert await people.due_for_deletion(db, at(59)) == []
        assert await people.due_for_deletion(db, at(60)) == [MIA]
        assert await people.delete(db, MIA, at(60))
        assert await people.get(db, MIA) is None
        assert await credits.history(db, MIA, 5) == []
