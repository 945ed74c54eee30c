"""Places for stories: one from the beginning, an account's own once it is connected at Meta."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.errors import BadInput, NotAllowed
from services.stories.accounts import MAX_CATEGORIES, MAX_SLOTS, Accounts
from storage import meta_accounts, story_accounts
from storage.database import Database, sqlite_url
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW, person


@pytest.fixture
async def accounts(tmp_path: Path, templates: Path) -> AsyncIterator[Accounts]:
    shutil.copy(templates / "reelay.db", tmp_path / "reelay.db")
    database = Database(sqlite_url(tmp_path / "reelay.db"))
    await person(database, MIA)
    yield Accounts(database, StillClock(NOW))
    await database.close()


async def connect(accounts: Accounts, identity: str, username: str) -> int:
    async with accounts.database.write() as db:
        made = await meta_accounts.keep(
            db,
            MIA,
            identity,
            NOW,
            username=username,
            flavour="instagram",
            account_type="BUSINESS",
            scopes=[],
            issued_at=NOW,
            unlimited=False,
        )
    return made.id


async def test_the_first_place_becomes_the_accounts_own_and_stays_it(accounts: Accounts) -> None:
    (place,) = await accounts.of_user(MIA)
    assert (place.meta_id, place.name) == (None, f"User {MIA}")
    meta_id = await connect(accounts, "17800", "mia")
    (taken,) = await accounts.of_user(MIA)
    assert (taken.id, taken.meta_id, taken.name) == (place.id, meta_id, "@mia")
    async with accounts.database.write() as db:
        await meta_accounts.delete(db, meta_id)
    (forgotten,) = await accounts.of_user(MIA)
    assert (forgotten.meta_id, forgotten.identity) == (None, "17800")
    other = await connect(accounts, "17801", "other")
    again = await connect(accounts, "17800", "mia_renamed")
    found = {one.identity: (one.id == place.id, one.meta_id) for one in await accounts.of_user(MIA)}
    assert found == {"17800": (True, again), "17801": (False, other)}


async def test_only_its_owner_and_who_leads_may_change_it(accounts: Accounts) -> None:
    place = await accounts.one(MIA)
    await person(accounts.database, LEO)
    for attempt in (
        accounts.one(LEO, place.id),
        accounts.set_api(LEO, place.id, False),
        accounts.add_slots(LEO, place.id, [(0, 0)]),
        accounts.add_category(LEO, place.id, "x"),
        accounts.add_blackout(LEO, place.id, NOW.date(), NOW.date()),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_what_people_set_has_bounds(accounts: Accounts) -> None:
    place = await accounts.one(MIA)
    kind = await accounts.add_category(MIA, place.id, "  Promo \n now ")
    assert kind.name == "Promo now"
    assert (await accounts.add_category(MIA, place.id, "PROMO NOW")).id == kind.id
    for number in range(MAX_CATEGORIES - 1):
        await accounts.add_category(MIA, place.id, f"more {number}")
    far = NOW.date() + timedelta(days=400)
    for attempt in (
        accounts.add_category(MIA, place.id, "one too many"),
        accounts.add_category(MIA, place.id, "   "),
        accounts.add_slots(MIA, place.id, [(0, n) for n in range(MAX_SLOTS + 1)]),
        accounts.set_zone(MIA, place.id, "Nowhere/City"),
        accounts.set_zone(MIA, place.id, "../etc/passwd"),
        accounts.add_blackout(MIA, place.id, NOW.date(), far),
        accounts.add_blackout(MIA, place.id, date(2020, 1, 1), date(2020, 1, 2)),
    ):
        with pytest.raises(BadInput):
            await attempt
    for refused in (
        accounts.set_mode(MIA, kind.id, "sometimes"),
        accounts.change_share(MIA, kind.id, 10),
        accounts.set_lock_days(MIA, place.id, 31),
        accounts.set_ask_minutes(MIA, place.id, -30),
        accounts.category(MIA, 0),
    ):
        with pytest.raises(NotAllowed):
            await refused


async def test_one_slot_goes_and_the_others_stay(accounts: Accounts) -> None:
    place = await accounts.one(MIA)
    await accounts.add_slots(MIA, place.id, [(0, 540), (1, 540), (0, 540)])
    for _ in range(2):
        await accounts.remove_slot(MIA, place.id, 0, 540)
    async with accounts.database.read() as db:
        left = await story_accounts.slots_of(db, place.id)
    assert [(one.weekday, one.minute) for one in left] == [(1, 540)]
