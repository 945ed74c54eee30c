"""The guide names everything that an operator can set, type, read or call."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import cast

import click
import pytest
from aiohttp import web

from bot.__main__ import main
from bot.menu import ADMIN_COMMANDS
from bot.settings import Settings
from sandbox.cloudinary.server import DAYS as CLOUDINARY_DAYS
from sandbox.graph.bad_days import DAYS as META_DAYS
from sandbox.instagram.bad_days import DAYS
from sandbox.tours import TOURS
from services.analysis.reports import Reports
from services.analysis.service import Analysing
from services.clock import utc_now
from services.feed.serving import Serving
from services.feed.status import FeedStatuses
from services.feed.visits import Visits
from services.insights.looking import Looking
from services.insights.pages import Pages
from services.insights.service import Insights
from services.web import metrics
from services.web.downloads import Downloads
from services.web.feeds import FeedRoutes
from services.web.health import Health
from services.web.insights import InsightRoutes
from services.web.reports import ReportRoutes
from services.web.server import SideServer
from storage import migrate
from storage.database import Database, sqlite_url
from storage.objects import BadAddress, ObjectStore, open_store

ROOT = Path(__file__).parent.parent
GUIDE, DECISIONS = ROOT / "docs" / "guide.md", ROOT / "docs" / "decisions.md"


def read(path: Path) -> str:
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing"
    return path.read_text(encoding="utf-8")


def missing(names: list[str], text: str) -> list[str]:
    """Those that do not stand in the text as a word of their own."""
    return [
        name for name in names if not re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w-])", text)
    ]


def test_a_name_inside_another_is_missing() -> None:
    assert missing(["/ready", "WEB_PORT", "run"], "see /ready-made, WEB_PORTS, rerun") == [
        "/ready",
        "WEB_PORT",
        "run",
    ]
    assert missing(["/ready", "WEB_PORT"], "`/ready` and `WEB_PORT`.") == []


def test_every_setting_is_in_the_guide() -> None:
    assert missing([name.upper() for name in Settings.model_fields], read(GUIDE)) == []


def test_every_chat_command_is_in_the_guide() -> None:
    assert missing([f"/{name}" for name in ADMIN_COMMANDS], read(GUIDE)) == []


def _commands(group: click.Group, prefix: str) -> list[str]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += _commands(command, f"{prefix} {name}")
        else:
            found.append(f"{prefix} {name}")
    return found


def test_every_command_of_the_command_line_is_in_the_guide() -> None:
    assert missing(_commands(cast("click.Group", main), "reelay"), read(GUIDE)) == []


async def test_every_metric_is_in_the_guide(tmp_path: Path) -> None:
    migrate.upgrade(sqlite_url(tmp_path / "reelay.db"))
    database = Database(sqlite_url(tmp_path / "reelay.db"))
    names = sorted({metric.name for metric in await metrics.read(database)})
    await database.close()
    text = read(GUIDE)
    # the guide may name a counter as Prometheus shows it
    both = 2
    assert [n for n in names if len(missing([n, f"{n}_total"], text)) == both] == []


def test_every_route_is_in_the_guide() -> None:
    nothing = cast("Database", None)

    async def receive(_update: dict[str, object]) -> None: ...

    feeds = FeedRoutes(
        Serving(nothing, utc_now),
        Visits(nothing),
        cast("ObjectStore", None),
        utc_now,
        statuses=FeedStatuses(nothing, utc_now),
        public=True,
    )
    server = SideServer(
        nothing,
        cast("Health", None),
        Downloads(nothing, cast("ObjectStore", None), utc_now),
        webhook=("secret", receive),
        feeds=feeds,
        statuses=FeedStatuses(nothing, utc_now),
        reports=ReportRoutes(nothing, cast("Reports", None), cast("Analysing", None), utc_now),
        insights=InsightRoutes(
            nothing, cast("Pages", None), cast("Insights", None), cast("Looking", None), utc_now
        ),
    )
    application: web.Application = server.application()
    routes = sorted({resource.canonical for resource in application.router.resources()})
    assert {"/health", "/reports/{token}", "/insights/{token}"} <= set(routes)
    assert missing(routes, read(GUIDE)) == []


def test_every_example_of_a_media_store_opens(tmp_path: Path) -> None:
    rows = re.findall(r"^\|[^|]+\| `(\w+://[^`]+)` \| `(\{.*\})` \|$", read(GUIDE), re.MULTILINE)
    assert [address.partition(":")[0] for address, _ in rows] == ["s3", "s3", "gs", "az"]
    for address, options in rows:
        given = options.replace("…", "a2V5")
        if "/path/" in given:  # the option is known, the file is not there
            with pytest.raises(BadAddress, match="Unable to open service account file"):
                open_store(address, given, tmp_path)
        else:
            open_store(address, given, tmp_path)


@pytest.mark.parametrize(
    "names",
    [sorted(TOURS), sorted(day.name for day in (*DAYS, *META_DAYS, *CLOUDINARY_DAYS))],
    ids=["tours", "days"],
)
def test_every_tour_and_bad_day_is_in_the_guide(names: list[str]) -> None:
    assert missing(names, read(GUIDE)) == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = [re.match(r"[A-Za-z0-9_.-]+", one) for one in wanted]
    assert missing([name[0].lower() for name in names if name], read(DECISIONS).lower()) == []
