"""Log-ins at Meta over time, at the stand-in: renewed, announced, and said when they are dead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.graph import Call, Fault
from sandbox.world import World
from services.errors import TokenRefused
from services.graph.tokens import Granted
from services.graph.wire import Flavour
from storage import meta_accounts
from storage.database import Database
from storage.meta_accounts import MetaAccount
from storage.vault import Secret
from tests.services.stories.stage import LocalStage, on_stage
from tests.support.rows import MIA

DAY = timedelta(days=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def stage(database: Database, tmp_path: Path, world: World) -> AsyncIterator[LocalStage]:
    """With Mia's account, whose end is known: in 60 days."""
    async with on_stage(database, tmp_path / "media", world) as running:
        await running.account(running.meta.instagram_token("mia"))
        running.clock.advance(days=1, hours=1)
        assert await running.logins.renew_due() == 1
        yield running


async def account(stage: LocalStage) -> MetaAccount:
    (found,) = await stage.logins.of_user(MIA)
    return found


async def token(stage: LocalStage) -> str:
    opened = await stage.logins.open((await account(stage)).id)
    return opened.token.reveal()


async def told(stage: LocalStage) -> list[object]:
    return [one.data.get("days", one.kind) for one in await stage.notices()]


async def test_it_is_renewed_two_weeks_before_its_end(stage: LocalStage) -> None:
    old = await token(stage)
    stage.clock.advance(days=40)
    assert await stage.logins.renew_due() == 0
    stage.clock.advance(days=6)
    stage.meta.trouble_next(Call.INSTAGRAM_REFRESH, Fault.DOWN, times=3)
    assert await stage.logins.renew_due() == 0
    assert await token(stage) == old, "a bad moment of Meta's costs nothing"
    stage.clock.advance(days=1)
    assert await stage.logins.renew_due() == 1
    assert await token(stage) != old
    ends = (await account(stage)).expires_at
    assert ends is not None
    assert round((ends - stage.clock()) / DAY) == 60
    assert await told(stage) == []


async def test_what_is_not_renewed_is_announced_at_10_3_and_1_days_and_at_its_end(
    stage: LocalStage,
) -> None:
    stage.meta.trouble_next(Call.INSTAGRAM_REFRESH, Fault.DOWN, times=1000)
    stage.clock.advance(days=45)
    for _ in range(4 * 17):
        await stage.logins.renew_due()
        stage.clock.advance(hours=6)
    assert await told(stage) == [10, 3, 1, "meta_refused"]
    assert (await account(stage)).problem


async def test_one_that_meta_has_ended_is_said_at_once(stage: LocalStage) -> None:
    """Where the renewal is what finds out."""
    stage.clock.advance(days=46)
    stage.meta.revoke("mia")
    for _ in range(3):
        await stage.logins.renew_due()
        stage.clock.advance(days=1)
    assert await told(stage) == ["meta_refused"]


async def test_one_that_nobody_can_renew_is_announced_and_keeps_no_other_waiting(
    stage: LocalStage,
) -> None:
    """Facebook's, pasted where the operator has no app."""
    async with stage.database.write() as db:
        await meta_accounts.delete(db, (await account(stage)).id)
    await stage.logins.paste(MIA, stage.meta.facebook_token("mia"))
    mine = await account(stage)
    async with stage.database.write() as db:
        await meta_accounts.change(db, mine.id, expires_at=stage.clock() + 2 * DAY)
    await stage.logins.renew_due()
    assert await told(stage) == [3]
    assert (await account(stage)).problem is None


async def test_a_renewal_that_is_overtaken_leaves_the_newer_log_in(
    stage: LocalStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renewed(_flavour: Flavour, _token: Secret) -> Granted:
        await stage.logins.paste(MIA, stage.meta.facebook_token("mia"))
        return Granted(Secret(stage.meta.instagram_token("mia")), stage.clock() + 60 * DAY)

    stage.clock.advance(days=46)
    monkeypatch.setattr(stage.logins._access, "renewed", renewed)
    assert await stage.logins.renew_due() == 0
    assert (await account(stage)).flavour == Flavour.FACEBOOK
    opened = await stage.logins.open((await account(stage)).id)
    assert (await opened.quota()).left


async def test_the_refusal_of_an_old_token_does_not_condemn_a_newer_one(stage: LocalStage) -> None:
    mine = (await account(stage)).id
    old = Secret(await token(stage))
    await stage.logins.paste(MIA, stage.meta.instagram_token("mia"))
    for gone in (old, None):
        await stage.logins.refused(mine, TokenRefused(), gone)
    assert (await account(stage)).problem is None
    await stage.logins.refused(mine, TokenRefused(), Secret(await token(stage)))
    assert (await account(stage)).problem
    assert await told(stage) == ["meta_refused"]


async def test_a_token_that_this_key_does_not_open_is_said(stage: LocalStage) -> None:
    mine = (await account(stage)).id
    async with stage.database.write() as db:
        await meta_accounts.change(db, mine, sealed=b"of another key")
    with pytest.raises(TokenRefused) as refusal:
        await stage.logins.open(mine)
    await stage.logins.refused(mine, refusal.value, None)
    assert "key" in ((await account(stage)).problem or "")
