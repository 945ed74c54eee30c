"""Tables as files: read back by other programs they are what was written, whatever that was."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services import sheets
from services.sheets import About, Form, Row, TooManyRows, harmless, open_table, pack

COLUMNS = ("name", "posted_at_utc", "views", "rate", "hidden", "tags")
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROW: Row = ("Leo", AT, 5, 0.25, True, ("a", "b"))
ABOUT: About = (("profile", "=neon"), ("followers", 7), ("seen", AT), ("zone", None))


def write(path: Path, form: Form, *rows: Row, about: About = ()) -> Path:
    with open_table(path, form, "reels", COLUMNS, about) as table:
        table.add(rows[:1])
        table.add(rows[1:])
    return path


def csv_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def sheet_of(path: Path, name: str = "reels") -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path, read_only=True)
    rows = list(book[name].iter_rows(values_only=True))
    book.close()
    return rows


def test_csv_is_as_excel_wants_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a", Form.CSV, ROW, (None, None, None, float("inf"), False, ()))
    assert path.read_bytes().startswith(b"\xef\xbb\xbfname,")
    assert b"\r\n" in path.read_bytes()
    assert csv_of(path)[1:] == [
        ["Leo", "2026-11-20 12:00:00", "5", "0.25", "yes", "a, b"],
        ["", "", "", "", "no", ""],
    ]


def test_what_it_is_of_stands_above(tmp_path: Path) -> None:
    rows = csv_of(write(tmp_path / "a", Form.CSV, ROW, about=ABOUT))
    assert rows[:2] == [["profile", "'=neon"], ["followers", "7"]]
    assert rows[4:6] == [[], list(COLUMNS)]
    told = json.loads(write(tmp_path / "b", Form.JSON, ROW, about=ABOUT).read_text())
    assert told["about"]["seen"] == "2026-11-20T12:00:00Z"
    assert told["reels"][0]["tags"] == ["a", "b"]
    path = write(tmp_path / "c.xlsx", Form.XLSX, ROW, about=ABOUT)
    assert sheet_of(path, "about")[0] == ("profile", "=neon")


def test_json_is_a_list_also_of_nothing(tmp_path: Path) -> None:
    assert json.loads(write(tmp_path / "a", Form.JSON).read_text()) == []
    berlin = (*ROW[:1], AT.astimezone(ZoneInfo("Europe/Berlin")), *ROW[2:])
    told = json.loads(write(tmp_path / "b", Form.JSON, ROW, berlin).read_text())
    assert [one["posted_at_utc"] for one in told] == [
        "2026-11-20T12:00:00Z",
        "2026-11-20T13:00:00+01:00",
    ]
    assert told[0]["hidden"] is True


def test_xlsx_keeps_types_and_no_formula(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", Form.XLSX, ROW, ("=1+1", None, None, None, False, ()))
    head, first, second = sheet_of(path)
    assert head == COLUMNS
    assert first == ("Leo", AT.replace(tzinfo=None), 5, 0.25, True, "a, b")
    assert second[0] == "=1+1"
    with zipfile.ZipFile(path) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.xlsx"]  # nothing temporary


def test_xlsx_says_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS", 2)
    with pytest.raises(TooManyRows):
        write(tmp_path / "a.xlsx", Form.XLSX, ROW, ROW, ROW)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_formulas_are_shown(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_a_zero_byte_hides_no_formula() -> None:
    assert harmless("\0=1") == "'=1"
    assert harmless("a=1") == "a=1"


@settings(max_examples=25, deadline=None)
@given(st.text(), st.none() | st.integers(0, 2**53))
def test_any_text_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, views: int | None
) -> None:
    folder = tmp_path_factory.mktemp("any")
    row: Row = (text, AT, views, None, False, ())
    [told] = json.loads(write(folder / "a", Form.JSON, row).read_text())
    assert told["name"] == text
    [_, cells] = csv_of(write(folder / "b", Form.CSV, row))
    assert cells[0] == harmless(text)
    [_, values] = sheet_of(write(folder / "c.xlsx", Form.XLSX, row))
    assert values[2] == views


def test_half_a_character_breaks_nothing(tmp_path: Path) -> None:
    row: Row = ("a\ud800b", AT, 1, None, False, ("\ud800",))
    assert csv_of(write(tmp_path / "a", Form.CSV, row))[1][0] == "a?b"
    assert json.loads(write(tmp_path / "b", Form.JSON, row).read_text())[0]["name"] == "a?b"
    assert sheet_of(write(tmp_path / "c.xlsx", Form.XLSX, row))[1][0] == "a?b"


def test_equal_files_are_packed_equally(tmp_path: Path) -> None:
    plain = write(tmp_path / "a", Form.CSV, ROW)
    for name in ("b", "c"):
        pack(plain, tmp_path / name)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    assert gzip.decompress((tmp_path / "b").read_bytes()) == plain.read_bytes()


@pytest.mark.parametrize("form", list(Form))
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, form: Form) -> None:
    def peak(rows: int) -> int:
        many: Iterator[Row] = (("Leo", AT, n, 0.5, False, ("a",)) for n in range(rows))
        tracemalloc.start()
        with open_table(tmp_path / f"{rows}", form, "reels", COLUMNS) as table:
            table.add(many)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded once
    assert peak(4_000) < 1.3 * peak(400) + 100_000
