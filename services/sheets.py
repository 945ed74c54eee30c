"""Tables as files, written row by row in constant memory: CSV, JSON, XLSX, and gzip of the first
two. Blocking, but for `open_table_aside`.

Called by the exports of analyses and of figures; all that write CSV take `harmless` and BOM from
here. What strangers wrote must not become a formula in a spreadsheet.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Protocol

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

Value = str | int | float | bool | datetime | tuple[str, ...] | None
Row = Sequence[Value]
About = Sequence[tuple[str, Value]]  # what the table is of, line by line: name, value

BOM = "\ufeff"  # without it Excel does not read UTF-8
# what makes a spreadsheet compute; the wide forms are read as the narrow ones in some languages
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = tuple("=+-@\t\r\n" + "\uff1d\uff0b\uff0d\uff20")
XLSX_ROWS = 1_048_575  # below the head; https://support.microsoft.com, "Excel specifications"
XLSX_LETTERS = 32_767  # of a cell


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"


class TooManyRows(ValueError):
    """XLSX ends at XLSX_ROWS; nothing is left out in silence."""


class Table(Protocol):
    """A file that is being written. Rows have a value for each column."""

    def add(self, rows: Iterable[Row]) -> None:
        """Errors: TooManyRows, OSError."""


@contextmanager
def open_table(
    path: Path, form: Form, name: str, columns: Sequence[str], about: About = ()
) -> Iterator[Table]:
    """The file is whole when the block has ended. `name`: of the rows, "reels".

    Aware datetimes are written as the clock of their zone shows them; only JSON names the zone, so
    the column's name has to. Errors: OSError.
    """
    match form:
        case Form.CSV:
            with path.open("w", encoding="utf-8", errors="replace", newline="") as text:
                yield CsvTable(text, columns, about)
        case Form.JSON:
            with path.open("w", encoding="utf-8", errors="replace", newline="") as text:
                json_table = JsonTable(text, name, columns, about)
                yield json_table
                json_table.end()
        case Form.XLSX:
            with TemporaryDirectory(dir=path.parent, prefix="sheet-") as folder:
                xlsx = XlsxTable(path, Path(folder), name, columns, about)
                yield xlsx
                xlsx.end()


@asynccontextmanager
async def open_table_aside(
    path: Path, form: Form, name: str, columns: Sequence[str], about: About = ()
) -> AsyncIterator[Table]:
    """open_table, off the event loop: the end of an XLSX packs all of it. The table's own calls
    still block."""
    opened = open_table(path, form, name, columns, about)
    table = await asyncio.to_thread(opened.__enter__)
    try:
        yield table
    except BaseException as error:
        opened.__exit__(type(error), error, error.__traceback__)
        raise
    await asyncio.to_thread(opened.__exit__, None, None, None)


def pack(path: Path, target: Path) -> None:
    """A gzip of it; the original stays. No name and no time inside: equal files stay equal."""
    with (
        path.open("rb") as plain,
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, 1 << 18)


def harmless(text: str) -> str:
    """A text that a spreadsheet shows instead of computing it."""
    text = text.replace("\0", "")
    return f"'{text}" if text.startswith(FORMULA) else text


# ---------------------------------------------------------------- CSV


class CsvTable:
    """RFC 4180: commas, quotes where needed, CRLF; in UTF-8 with BOM. `about` stands above the head
    and an empty line."""

    def __init__(self, text: TextIOWrapper, columns: Sequence[str], about: About) -> None:
        text.write(BOM)
        self._writer = csv.writer(text, lineterminator="\r\n")
        if about:
            self._writer.writerows([name, _cell(value)] for name, value in about)
            self._writer.writerow([])
        self._writer.writerow(columns)

    def add(self, rows: Iterable[Row]) -> None:
        self._writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return harmless(value)
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case tuple():
            return harmless(", ".join(value))
        case float() if not isfinite(value):
            return ""
        case _:
            return str(value)


# ---------------------------------------------------------------- JSON


class JsonTable:
    """A list of objects; with `about`, an object of both."""

    def __init__(self, text: IO[str], name: str, columns: Sequence[str], about: About) -> None:
        self._text = text
        self._columns = columns
        self._about = bool(about)
        self._rows = 0
        if about:
            head = _json({key: _plain(value) for key, value in about})
            text.write(f'{{"about": {head},\n{_json(name)}: ')
        text.write("[\n")

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            one = dict(zip(self._columns, map(_plain, row), strict=True))
            self._text.write((",\n" if self._rows else "") + _json(one))
            self._rows += 1

    def end(self) -> None:
        self._text.write("\n]}\n" if self._about else "\n]\n")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Value) -> object:
    if isinstance(value, datetime):
        text = value.isoformat(timespec="seconds")
        return text.replace("+00:00", "Z") if value.tzinfo is UTC else text
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


# ---------------------------------------------------------------- XLSX


class XlsxTable:
    """Excel's own form: texts are texts there, whatever they begin with. Rows go to a temporary
    file in `folder` at once; `about` has a sheet of its own."""

    def __init__(
        self, path: Path, folder: Path, name: str, columns: Sequence[str], about: About
    ) -> None:
        options: dict[str, Any] = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        self._book = xlsxwriter.Workbook(str(path), options)
        bold = self._book.add_format({"bold": True})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet: Worksheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._columns = len(columns)
        self._rows = 0
        for place, column in enumerate(columns):
            self._sheet.set_column(place, place, max(12, len(column) + 3))
            self._sheet.write_string(0, place, column, bold)
        if about:
            sheet = self._book.add_worksheet("about")
            sheet.set_column(0, 1, 28)
            for line, (key, value) in enumerate(about):
                sheet.write_string(line, 0, key, bold)
                self._write(sheet, line, 1, value)

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows += 1
            if self._rows > XLSX_ROWS:
                raise TooManyRows
            for place, value in enumerate(row):
                self._write(self._sheet, self._rows, place, value)

    def end(self) -> None:
        self._sheet.autofilter(0, 0, self._rows, self._columns - 1)
        self._book.close()

    def _write(self, sheet: Worksheet, line: int, place: int, value: Value) -> None:
        match value:
            case None:
                pass
            case bool():
                sheet.write_boolean(line, place, value)
            case str():
                sheet.write_string(line, place, _text(value))
            case tuple():
                sheet.write_string(line, place, _text(", ".join(value)))
            case datetime():
                sheet.write_datetime(line, place, value.replace(tzinfo=None), self._moment)
            case _ if isfinite(value):
                sheet.write_number(line, place, value)


def _text(value: str) -> str:
    """What XML can hold, and a cell."""
    return value[:XLSX_LETTERS].encode("utf-8", "replace").decode()
