"""The lines of the pre-flight: what is known, and what happens where somebody does not answer."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.errors import HostingFailed, MetaUnavailable, TokenRefused
from services.graph.account import Quota
from services.graph.public import Mime, PublicUrl
from services.graph.wire import Flavour
from services.stories.library import Twin
from services.stories.preflight import (
    About,
    Line,
    Mark,
    Preflight,
    duplicate_line,
    login_line,
    why_by_hand,
)
from tests.bot.factories import NOW
from tests.bot.stories import factories as make

DAY = timedelta(days=1)


class Public:
    """Keeps what it is given, under addresses that `answer` answers for."""

    def __init__(self, broken: bool = False) -> None:
        self.there: set[str] = set()
        self.broken = broken

    async def put(self, _file: Path, _mime: Mime) -> PublicUrl:
        if self.broken:
            raise HostingFailed
        self.there.add("one")
        return PublicUrl("one", "https://files.example/one", None)

    async def delete(self, public_id: str) -> None:
        self.there.discard(public_id)

    async def sweep(self, _before: object) -> int:
        return 0


class Account:
    flavour = Flavour.INSTAGRAM

    def __init__(self, quota: Quota | Exception) -> None:
        self._quota = quota

    async def quota(self) -> Quota:
        if isinstance(self._quota, Exception):
            raise self._quota
        return self._quota


class Logins:
    def __init__(self, account: Account | Exception) -> None:
        self._account = account

    async def open(self, _meta_id: int | None) -> Account:
        if isinstance(self._account, Exception):
            raise self._account
        return self._account


class Objects:
    def __init__(self, path: Path) -> None:
        self._path = path

    def local(self, _key: str) -> Any:

        return contextlib.nullcontext(self._path)


def preflight(
    path: Path, account: Account | Exception, public: Public | None, status: int = 200
) -> Preflight:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=b"jpeg", headers={"Content-Type": "image/jpeg"})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    nobody: Any = None  # is asked but these
    objects: Any = Objects(path)
    logins: Any = Logins(account)
    return Preflight(nobody, objects, nobody, logins, public, http, lambda: NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "story.jpg"
    file.write_bytes(b"jpeg")
    return file


def plain(lines: list[Line]) -> list[tuple[About, Mark, str]]:
    return [(one.about, one.mark, one.word) for one in lines]


# ---------------------------------------------------------------- what Meta and the address say


async def test_a_copy_is_fetched_back_and_taken_away(path: Path) -> None:
    public = Public()
    lines = await preflight(path, Account(Quota(97, 100)), public)._asked(make.story())
    assert plain(lines) == [
        (About.ADDRESS, Mark.GOOD, "fetched"),
        (About.QUOTA, Mark.THINK, "left"),
    ]
    assert (lines[1].number, lines[1].total) == (3, 100)
    assert public.there == set()


async def test_an_address_that_answers_wrongly_is_red_and_the_copy_goes(path: Path) -> None:
    public = Public()
    lines = await preflight(path, Account(Quota(100, 100)), public, 302)._asked(make.story())
    assert plain(lines) == [
        (About.ADDRESS, Mark.BAD, "refused"),
        (About.QUOTA, Mark.BAD, "used_up"),
    ]
    assert "302" in lines[0].detail
    assert public.there == set()


@pytest.mark.parametrize(
    ("account", "public", "lines"),
    [
        (
            Account(MetaUnavailable()),
            Public(broken=True),
            [(About.ADDRESS, Mark.BAD, "refused"), (About.QUOTA, Mark.THINK, "not_asked")],
        ),
        (
            Account(Quota(0, None)),
            None,
            [(About.ADDRESS, Mark.BAD, "no_public"), (About.QUOTA, Mark.GOOD, "left")],
        ),
        (
            Account(Quota(0, 0)),
            None,
            [(About.ADDRESS, Mark.BAD, "no_public"), (About.QUOTA, Mark.BAD, "used_up")],
        ),
        (TokenRefused(), Public(), [(About.QUOTA, Mark.BAD, "not_asked")]),
    ],
    ids=["down", "no public address", "no posts at all", "token refused"],
)
async def test_who_does_not_answer_has_a_line_and_stops_nobody(
    path: Path, account: Account | Exception, public: Public | None, lines: list[Any]
) -> None:
    assert plain(await preflight(path, account, public)._asked(make.story())) == lines


# ---------------------------------------------------------------- pure lines


@pytest.mark.parametrize(
    ("story", "item", "account", "meta", "word"),
    [
        ({}, {}, {}, {}, None),
        ({}, {"interactive": True}, {}, {}, "interactive"),
        ({"mode": "manual"}, {}, {}, {}, "manual"),
        ({}, {}, {}, None, "not_connected"),
        ({}, {}, {"by_api": False}, {}, "switched_off"),
        ({}, {}, {}, {"account_type": "MEDIA_CREATOR"}, "creator"),
        ({}, {}, {}, {"account_type": ""}, None),
    ],
)
def test_why_a_person_posts_it(
    story: Any, item: Any, account: Any, meta: Any, word: str | None
) -> None:
    line = why_by_hand(
        make.story(**story),
        make.item(**item),
        make.account(**account),
        None if meta is None else make.meta(**meta),
    )
    assert (line.word if line else None) == word


@pytest.mark.parametrize(
    ("meta", "mark", "word"),
    [
        ({}, Mark.GOOD, "days"),
        ({"expires_at": NOW + 2 * DAY}, Mark.THINK, "days"),
        ({"data_ends_at": NOW - DAY}, Mark.BAD, "over"),
        ({"expires_at": None}, Mark.GOOD, "renewed"),
        ({"expires_at": None, "unlimited": True}, Mark.GOOD, "no_end"),
        ({"problem": "dead"}, Mark.BAD, "refused"),
    ],
)
def test_how_long_the_log_in_lasts(meta: Any, mark: Mark, word: str) -> None:
    line = login_line(make.meta(**meta), NOW)
    assert (line.mark, line.word) == (mark, word)


def test_the_newest_use_of_the_same_picture_is_named() -> None:
    old = Twin(make.item(id=1, last_used_at=NOW - 9 * DAY), exact=True)
    new = Twin(make.item(id=2, last_used_at=NOW - DAY), exact=False)
    never = Twin(make.item(id=3), exact=True)
    line = duplicate_line(make.item(), [old, new, never], NOW)
    assert (line.mark, line.word, line.at) == (Mark.THINK, "alike", NOW - DAY)
    assert duplicate_line(make.item(), [never], NOW).mark is Mark.GOOD
    itself = duplicate_line(make.item(last_used_at=NOW - DAY), [], NOW)
    assert itself.word == "itself"
