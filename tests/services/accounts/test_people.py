"""Who is let in, as what, and what they may do to others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.accounts.people import LARGEST_GRANT, People, Visitor
from services.errors import BadInput, NotAllowed
from storage import audit, credits, notices
from storage import people as rows
from storage.database import Database
from storage.people import User
from storage.vault import Vault
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, ZOE, person

START = 500
STRANGER = 99


@pytest.fixture
def people(database: Database, vault: Vault, clock: StillClock) -> People:
    return People(database, vault, clock, start_credits=START)


def visitor(user_id: int) -> Visitor:
    return Visitor(user_id, f"Visitor {user_id}", None, "en")


async def user(database: Database, user_id: int) -> User:
    async with database.read() as db:
        found = await rows.get(db, user_id)
    assert found
    return found


@pytest.fixture
async def team(database: Database) -> dict[str, User]:
    """Mia owns the bot, Leo is an admin, Zoe and Ann are members."""
    await person(database, MIA, role="owner")
    await person(database, LEO, role="admin")
    await person(database, ZOE)
    await person(database, 14)
    names = {"owner": MIA, "admin": LEO, "member": ZOE, "other": 14}
    return {name: await user(database, user_id) for name, user_id in names.items()}


async def actions(database: Database) -> list[str]:
    async with database.read() as db:
        return [entry.action for entry in await audit.page(db, 10)]


class TestComingIn:
    async def test_the_claim_code_makes_the_first_one_the_owner(
        self, people: People, database: Database
    ) -> None:
        assert await people.unclaimed()
        assert await people.enter(visitor(MIA), people.claim_code) == "owner"
        assert not await people.unclaimed()
        mia = await people.find(MIA)
        assert mia is not None
        assert (mia.role, mia.credits) == ("owner", START)
        assert await actions(database) == ["claimed"]
        async with database.read() as db:
            assert (await credits.audit(db, MIA)).holds

    @pytest.mark.parametrize("code", ["", "wrong", "ünïcode"])
    async def test_a_wrong_code_opens_nothing_and_leaves_nothing(
        self, people: People, database: Database, code: str
    ) -> None:
        assert await people.enter(visitor(STRANGER), code) is None
        async with database.read() as db:
            assert await rows.everyone(db) == []
            assert await credits.history(db, STRANGER, 5) == []
        assert await actions(database) == []

    async def test_the_claim_code_works_once(self, people: People, database: Database) -> None:
        await people.enter(visitor(MIA), people.claim_code)
        assert await people.enter(visitor(STRANGER), people.claim_code) is None
        assert await people.enter(visitor(MIA), people.claim_code) is None
        assert (await user(database, MIA)).credits == START
        assert await people.find(STRANGER) is None

    async def test_of_two_who_claim_at_once_one_becomes_the_owner(
        self, people: People, database: Database
    ) -> None:
        code = people.claim_code
        answers = await asyncio.gather(*(people.enter(visitor(n), code) for n in range(1, 5)))
        assert sorted(answers, key=str) == [None, None, None, "owner"]
        async with database.read() as db:
            assert len(await rows.everyone(db)) == 1

    async def test_a_retried_start_grants_once(self, people: People, database: Database) -> None:
        code = people.claim_code
        await asyncio.gather(*(people.enter(visitor(MIA), code) for _ in range(3)))
        assert (await user(database, MIA)).credits == START

    async def test_an_invitation_lets_one_person_in(
        self, people: People, team: dict[str, User], database: Database
    ) -> None:
        code, _ = await people.invite(team["owner"], "admin")
        assert await people.enter(visitor(20), code) == "invited"
        assert await people.enter(visitor(21), code) is None
        assert (await user(database, 20)).role == "admin"
        assert await people.find(21) is None
        async with database.read() as db:
            (notice,) = await notices.due(db, team["owner"].created_at)
        assert (notice.user_id, notice.kind, notice.data) == (MIA, "joined", {"name": "Visitor 20"})
        assert await actions(database) == ["joined", "invited"]

    async def test_an_invitation_lives_a_day(
        self, people: People, team: dict[str, User], clock: StillClock
    ) -> None:
        code, until = await people.invite(team["owner"])
        clock.advance(hours=24)
        assert clock() == until
        assert await people.enter(visitor(20), code) is None

    async def test_an_invitation_does_not_bring_a_blocked_person_back(
        self, people: People, team: dict[str, User]
    ) -> None:
        await people.set_status(team["owner"], ZOE, "blocked")
        assert await people.find(ZOE) is None
        code, _ = await people.invite(team["owner"])
        assert await people.enter(visitor(ZOE), code) is None
        await people.set_status(team["owner"], ZOE, "active")
        assert await people.find(ZOE) is not None

    async def test_only_a_hash_of_the_invitation_is_stored(
        self, people: People, team: dict[str, User], database: Database
    ) -> None:
        code, _ = await people.invite(team["owner"])
        assert len(code) >= 22  # 128 bits
        async with database.read() as db:
            stored = (await db.exec_driver_sql("select * from invitations")).all()
        assert code not in str(stored)


class TestRoles:
    @pytest.mark.parametrize(
        ("by", "role", "allowed"),
        [
            ("owner", "member", True),
            ("owner", "admin", True),
            ("owner", "owner", False),
            ("admin", "member", True),
            ("admin", "admin", False),
            ("member", "member", False),
        ],
    )
    async def test_who_invites_whom(
        self, people: People, team: dict[str, User], by: str, role: rows.Role, allowed: bool
    ) -> None:
        await _expect(allowed, lambda: people.invite(team[by], role))

    @pytest.mark.parametrize(
        ("by", "whom", "allowed"),
        [
            ("owner", "admin", True),
            ("owner", "member", True),
            ("owner", "owner", False),
            ("admin", "member", True),
            ("admin", "admin", False),
            ("admin", "owner", False),
            ("member", "other", False),
            ("member", "owner", False),
        ],
    )
    async def test_who_blocks_whom(
        self, people: People, team: dict[str, User], by: str, whom: str, allowed: bool
    ) -> None:
        await _expect(allowed, lambda: people.set_status(team[by], team[whom].id, "blocked"))
        assert (await people.find(team[whom].id) is None) == allowed

    async def test_nobody_blocks_somebody_unknown(
        self, people: People, team: dict[str, User]
    ) -> None:
        await _expect(False, lambda: people.set_status(team["owner"], STRANGER, "blocked"))


async def _expect(allowed: bool, action: Callable[[], Awaitable[object]]) -> None:
    if allowed:
        await action()
    else:
        with pytest.raises(NotAllowed):
            await action()


class TestGrants:
    @pytest.mark.parametrize("amount", [1, LARGEST_GRANT])
    async def test_a_grant_is_told_and_written_down(
        self, people: People, team: dict[str, User], database: Database, amount: int
    ) -> None:
        after = await people.grant(team["admin"], ZOE, amount)
        assert after.credits == amount
        async with database.read() as db:
            (notice,) = await notices.due(db, after.created_at)
            (line,) = await credits.history(db, ZOE, 5)
        assert (notice.user_id, notice.data) == (ZOE, {"amount": amount})
        assert (line.title, line.amount) == ("Granted by User 12", amount)
        assert await actions(database) == ["granted"]

    @pytest.mark.parametrize("amount", [0, -5, LARGEST_GRANT + 1])
    async def test_odd_amounts_are_refused(
        self, people: People, team: dict[str, User], amount: int
    ) -> None:
        with pytest.raises(BadInput):
            await people.grant(team["owner"], ZOE, amount)

    @pytest.mark.parametrize(("by", "whom"), [("member", ZOE), ("owner", STRANGER)])
    async def test_members_grant_nothing_and_strangers_get_nothing(
        self, people: People, team: dict[str, User], by: str, whom: int
    ) -> None:
        with pytest.raises(NotAllowed):
            await people.grant(team[by], whom, 5)

    async def test_a_grant_to_oneself_needs_no_notice(
        self, people: People, team: dict[str, User], database: Database
    ) -> None:
        after = await people.grant(team["owner"], MIA, 5)
        async with database.read() as db:
            assert await notices.due(db, after.created_at) == []


class TestPreferences:
    async def test_a_zone_is_known_by_its_name_in_any_case(
        self, people: People, team: dict[str, User], database: Database
    ) -> None:
        assert await people.set_zone(ZOE, " america/new york ") == "America/New_York"
        assert (await user(database, ZOE)).zone == "America/New_York"
        for wrong in ("Berlin?", "", "../etc/passwd", "UTC+3"):
            with pytest.raises(BadInput):
                await people.set_zone(ZOE, wrong)
        assert (await user(database, ZOE)).zone == "America/New_York"

    async def test_quiet_hours(
        self, people: People, team: dict[str, User], database: Database
    ) -> None:
        await people.set_quiet_hours(ZOE, (22, 8))
        for wrong in ((5, 5), (-1, 5), (0, 24)):
            with pytest.raises(BadInput):
                await people.set_quiet_hours(ZOE, wrong)
        quiet = await user(database, ZOE)
        assert (quiet.quiet_from, quiet.quiet_until) == (22, 8)
        await people.set_quiet_hours(ZOE, None)
        assert (await user(database, ZOE)).quiet_from is None

    async def test_muting_is_a_switch(
        self, people: People, team: dict[str, User], database: Database
    ) -> None:
        await people.toggle_muted(team["member"], "expiry")
        muted = await user(database, ZOE)
        assert muted.muted == ["expiry"]
        await people.toggle_muted(muted, "expiry")
        assert (await user(database, ZOE)).muted == []
        with pytest.raises(NotAllowed):
            await people.toggle_muted(muted, "import_paused")

    async def test_who_comes_back_gets_what_waited(
        self, people: People, team: dict[str, User], database: Database, clock: StillClock
    ) -> None:
        await people.grant(team["owner"], ZOE, 5)
        async with database.write() as db:
            (notice,) = await notices.due(db, clock())
            clock.advance(minutes=1)
            await notices.wait(db, notice.id, clock().replace(year=2027))
        await people.reachable(ZOE, False)
        async with database.read() as db:
            assert await notices.due(db, clock()) == []
        await people.reachable(ZOE, True)
        async with database.read() as db:
            assert len(await notices.due(db, clock())) == 1
        assert (await user(database, ZOE)).reachable
