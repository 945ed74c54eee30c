"""/meta/callback: what its page says, and what it never shows."""

from __future__ import annotations

from typing import Any, cast

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.accounts.meta import MetaLogins
from services.errors import NotAllowed, TokenRefused
from services.web.meta import MetaCallback
from storage.database import Database, Unavailable
from storage.tables import notices
from tests.bot.stories import factories as make
from tests.support.rows import NOW, person


class Logins:
    """`ends`: the accounts that a code brings, or why it brings none."""

    def __init__(self, ends: Any) -> None:
        self.ends = ends
        self.asked: list[tuple[str, str]] = []

    async def come_back(self, state: str, code: str) -> Any:
        self.asked.append((state, code))
        if isinstance(self.ends, Exception):
            raise self.ends
        return self.ends


async def page(
    database: Database, ends: Any, query: str, *, away: bool = False
) -> tuple[int, str, Any, list[int]]:
    """`away`: the database is, from the moment on in which the account is connected."""
    told: list[int] = []

    async def connected(user_id: int) -> None:
        if away:
            raise Unavailable("locked")
        told.append(user_id)

    callback = MetaCallback(database, cast("MetaLogins", Logins(ends)), connected, lambda: NOW)
    application = web.Application()
    application.router.add_get(callback.path, callback.serve)
    async with TestClient(TestServer(application)) as client:
        answer = await client.get(f"/meta/callback?{query}")
        return answer.status, await answer.text(), answer.headers, told


async def test_who_comes_back_is_connected_and_told_in_the_chat(database: Database) -> None:
    await person(database, 1001)
    ends = [make.meta(username="<b>mia")]
    status, text, headers, told = await page(database, ends, "state=s&code=secret-code")
    assert (status, told) == (200, [1001])
    assert "&lt;b&gt;mia" in text
    assert "secret-code" not in text
    assert headers["Referrer-Policy"] == "no-referrer"
    async with database.read() as db:
        row = (await db.execute(sa.select(notices.c.kind, notices.c.data))).one()
    assert (row.kind, row.data) == ("meta_connected", {"accounts": ["<b>mia"]})


@pytest.mark.parametrize(
    ("ends", "query", "status", "words"),
    [
        ([], "", 400, "That is no log-in"),
        ([], "state=" + "x" * 3000, 400, "That is no log-in"),
        (NotAllowed("This link was used already.", "Ask again."), "state=s", 400, "used already"),
        (TokenRefused("<i>no</i>"), "state=s&code=c", 400, "&lt;i&gt;no&lt;/i&gt;"),
        (Unavailable("locked"), "state=s&code=c", 503, "does not answer"),
    ],
)
async def test_every_other_end_is_said(
    database: Database, ends: Any, query: str, status: int, words: str
) -> None:
    found, text, _, told = await page(database, ends, query)
    assert (found, told) == (status, [])
    assert words in text


async def test_what_is_connected_is_never_told_as_a_failure(database: Database) -> None:
    ends = [make.meta(username="mia")]
    status, text, _, _ = await page(database, ends, "state=s&code=c", away=True)
    assert (status, "@mia" in text) == (200, True)
