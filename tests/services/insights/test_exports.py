"""The figures as files: all that is known of each, and harmless."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from services.errors import NotAllowed
from services.insights import exports as module
from services.insights.exports import POSTS, VALUES, Exports
from services.sheets import Form
from storage.database import Database
from storage.tables import insight_revisions
from tests.services.insights import kept
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW, at, person

LAST = date(2026, 11, 19)


@pytest.fixture
async def exports(database: Database) -> Exports:
    """Of Mia's account: a corrected figure, one that Meta refused, a post."""
    mine = await kept.account(database)
    await kept.figures(database, mine, "reach", [(LAST, 150)], id=1, revision=2)
    await kept.figures(
        database, mine, "views", [(LAST - timedelta(1), None)], reason="removed", said="=cmd()"
    )
    async with database.write() as db:
        rows = [
            {"value_id": 1, "revision": n, "value": value, "read_at": at(n)}
            for n, value in enumerate((120, 130.5))
        ]
        await db.execute(insight_revisions.insert(), rows)
    await kept.post(database, mine, "7", NOW, LAST, reach=5)
    clock = StillClock(NOW)
    return Exports(database, kept.insights(database, clock), clock)


def lines(content: bytes) -> list[dict[str, Any]]:
    text = content.decode("utf-8-sig").partition("\r\n\r\n")
    return list(csv.DictReader(io.StringIO(text[2] or text[0], newline="")))


async def test_json_has_each_figure_with_what_it_was(exports: Exports, tmp_path: Path) -> None:
    files = await exports.files(MIA, 0, Form.JSON, tmp_path)
    document = json.loads(files.values[1])
    assert (files.lines, files.cut) == (2, False)
    assert files.values[0] == "reelay-mia-insights-20261120T1200Z.json"
    assert document["about"]["platform_id"] == "77"
    known, gone = document["values"]
    assert tuple(known) == VALUES
    assert known == {
        "metric": "reach", "period": "day", "day": "2026-11-19",
        "end_time_utc": "2026-11-20T00:00:00Z", "breakdown": "", "value": 150,
        "state": "number", "reason": None, "said": "", "revision": 2,
        "read_at_utc": "2026-11-20T12:00:00Z", "earlier_values": ["120", "130.5"],
        "earlier_read_at_utc": ["2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z"],
    }  # fmt: skip
    assert (gone["value"], gone["state"], gone["reason"]) == (None, "not_available", "removed")
    assert files.posts
    [post] = json.loads(files.posts[1])
    assert tuple(post) == POSTS
    assert (post["media_id"], post["metric"], post["value"]) == ("7", "reach", 5)


async def test_a_file_says_of_a_forgotten_day_what_the_chart_says(
    exports: Exports, database: Database, tmp_path: Path
) -> None:
    [account] = await exports.insights.accounts(MIA)
    old = [(LAST - timedelta(days), None) for days in (40, 20)]
    await kept.figures(database, account.id, "follower_count", old, reason="not_yet")
    files = await exports.files(MIA, 0, Form.JSON, tmp_path)
    told = [
        (one["state"], one["reason"])
        for one in json.loads(files.values[1])["values"]
        if one["metric"] == "follower_count"
    ]
    assert told == [("not_yet", "not_yet"), ("not_available", "not_read")]


async def test_a_spreadsheet_computes_nothing(exports: Exports, tmp_path: Path) -> None:
    files = await exports.files(MIA, 0, Form.CSV, tmp_path)
    known, gone = lines(files.values[1])
    assert (gone["value"], gone["said"]) == ("", "'=cmd()")
    assert known["earlier_values"] == "120, 130.5"
    assert files.posts
    assert lines(files.posts[1])[0]["caption"] == "'=1+1"
    files = await exports.files(MIA, 0, Form.XLSX, tmp_path)
    book = openpyxl.load_workbook(io.BytesIO(files.values[1]))
    assert [row[5].value for row in book["values"].iter_rows()] == ["value", 150, None]
    assert book["values"]["I3"].data_type == "s"


async def test_it_is_bounded_and_says_so(
    exports: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    files = await exports.files(MIA, 0, Form.JSON, tmp_path)
    document = json.loads(files.values[1])
    assert [one["metric"] for one in document["values"]] == ["reach"]  # the newest
    assert (document["about"]["lines"], document["about"]["lines_stored"]) == (1, 2)
    assert files.cut


async def test_nobody_elses(exports: Exports, tmp_path: Path) -> None:
    account = await exports.insights.one(MIA)
    await person(exports.database, LEO)
    with pytest.raises(NotAllowed):
        await exports.files(LEO, account.id, Form.CSV, tmp_path)
