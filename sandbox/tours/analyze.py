"""The tour of analyses: analyse a profile, take it along in all forms, open its page, and compare
each figure that is shown anywhere with the one computed from the world (sandbox/tours/truth)."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import aiohttp

from sandbox.demo import Sandbox
from sandbox.tours.importing import connected
from sandbox.tours.stage import Stage
from sandbox.tours.truth import TIERS, Truth, truth
from sandbox.tours.visitor import TourFailed, Visitor
from sandbox.world import PROLIFIC, Kind, World
from sandbox.world.media_json import follow_counts

NAME = PROLIFIC.username
RESULT = rf"📊 @{re.escape(NAME)}[\s\S]*Median views"
ADDRESS = re.compile(r"http://\S+/reports/[\w-]{22}")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NUMBER = re.compile(r"([+−]?)([\d,]+(?:\.\d+)?)\s?([kMB%]?)")
SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9, "%": 0.01}
EXACT = 5e-7  # of shares in the JSON, which has six digits; of medians, which have three
TILE = re.compile(r"<h2>([^<]+)</h2><strong>([^<]+)</strong>\s*<p>(.*?)</p>", re.DOTALL)
ROW = re.compile(r'<tr class="(\w+)" data-v="(\S+) (\S+) (\S+) (\S+) (\S+) \S+">.*?/reel/([\w-]+)/')
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: where it is shown, as what, and what is true."""

    where: str
    what: str
    shown: object
    true: object
    right: bool


async def tour_analyze(stage: Stage) -> dict[str, object]:
    """72 reels among 82 posts, some with hidden likes and some that would be formulas."""
    mia = await connected(stage)
    return await visit_analysis(mia, stage.sandbox, stage.out)


async def visit_analysis(mia: Visitor, sandbox: Sandbox, out: TextIO) -> dict[str, object]:
    """For a visitor who has connected an account. Errors: TourFailed."""
    mia.say(f"/analyze @{NAME}")
    message = await mia.sees(RESULT)
    card = message.get("caption") or message.get("text", "")
    requests = sandbox.instagram.api_requests()
    files = {form: await _export(mia, form) for form in ("CSV", "JSON", "XLSX")}
    page = await _page(mia)
    told: Mapping[str, Any] = json.loads(files["JSON"])
    true = _truth(sandbox.world, told["about"])
    rows = [str(row["shortcode"]) for row in told["reels"]]
    tables = {"csv": list(csv_codes(files["CSV"])), "xlsx": list(xlsx_codes(files["XLSX"]))}
    for form, codes in tables.items():
        if codes != rows:
            raise TourFailed(f"the {form} has other reels than the JSON, or in another order")
    checks = [*on_card(card, true), *in_json(told, true), *on_page(page, true)]
    _print(checks, out)
    return {
        "reels_in_world": len(true.reels),
        "reels_stored": len(set(rows)),
        "duplicates": len(rows) - len(set(rows)),
        "requests": requests,
        "figures_checked": len(checks),
        "figures_wrong": sum(not check.right for check in checks),
        "csv_rows": len(tables["csv"]),
        "json_rows": len(rows),
        "xlsx_rows": len(tables["xlsx"]),
    }


async def _export(mia: Visitor, form: str) -> bytes:
    await mia.tap(form)
    return await mia.receives(f".{form.lower()}")


async def _page(mia: Visitor) -> str:
    await mia.tap("Web report")
    found = ADDRESS.search((await mia.sees(ADDRESS.pattern))["text"])
    assert found is not None, "it was seen"
    async with aiohttp.ClientSession() as http, http.get(found[0]) as answer:
        if answer.status != 200:
            raise TourFailed(f"the page answers {answer.status}")
        return await answer.text()


def _truth(world: World, about: Mapping[str, Any]) -> Truth:
    """Of the moment and in the zone that the export names."""
    reels = [post for post in world.posts_by(NAME) if post.kind is Kind.REEL]
    looked_at = datetime.fromisoformat(about["looked_at_utc"])
    return truth(reels, follow_counts(PROLIFIC)[0], ZoneInfo(about["local_zone"]), looked_at)


# ---------------------------------------------------------------- the tables


def csv_codes(data: bytes) -> Iterator[str]:
    """The shortcodes below the head, which stands below what the table is of."""
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    head = next(line for line in lines if "shortcode" in line)
    place = head.index("shortcode")
    return (line[place].removeprefix("'") for line in lines)


def xlsx_codes(data: bytes) -> Iterator[str]:
    """Texts of the first sheet stand in its cells: it is written row by row."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - from our bot
    head, *rows = ([_text(cell) for cell in row] for row in sheet.iter(f"{SHEET}row"))
    place = head.index("shortcode")
    return (row[place] for row in rows)


def _text(cell: ET.Element) -> str:
    return "".join(part.text or "" for part in cell.iter(f"{SHEET}t"))


# ---------------------------------------------------------------- shown and true


def in_json(told: Mapping[str, Any], true: Truth) -> Iterator[Check]:
    """Its head and every reel."""
    about = told["about"]
    for name, value in (
        ("reels", len(true.reels)),
        ("followers", true.followers),
        ("median_views", true.median_views),
    ):
        yield Check("json", name, about[name], value, about[name] == value)
    reels = {reel.code: reel for reel in true.reels}
    for row in told["reels"]:
        reel = reels.get(row["shortcode"])
        if reel is None:
            raise TourFailed(f"a reel that the world does not have: {row['shortcode']}")
        facts: dict[str, object] = {
            "plays": reel.plays,
            "likes": reel.likes,
            "comments": reel.comments,
            "tier": reel.tier,
        }
        for name, fact in facts.items():
            yield Check("json", f"{name} of {reel.code}", row[name], fact, row[name] == fact)
        yield _share(f"engagement of {reel.code}", row["engagement"], reel.engagement, EXACT)
        yield _share(f"medians of {reel.code}", row["medians"], reel.times, 1000 * EXACT)


def _share(what: str, shown: float | None, true: float | None, off: float) -> Check:
    if shown is None or true is None:
        return Check("json", what, shown, true, shown is true)
    return Check("json", what, shown, true, abs(shown - true) <= off * 1.001)


def on_card(text: str, true: Truth) -> Iterator[Check]:
    count = len(true.reels)

    def number(what: str, pattern: str, value: float) -> Check:
        return _number("card", what, _found(text, pattern), value)

    yield number("followers", r"([\d.,]+\s?[kMB]?) followers", true.followers)
    yield number("reels", r"followers · ([\d,]+) reels", count)
    yield number("median views", r"Median views ([\d.,]+\s?[kMB]?)", true.median_views)
    yield number("n of views", r"per follower \(n\s=\s(\d+)\)", count)
    yield number("views per follower", r"([\d.]+) per follower", true.view_ratio)
    yield number("engagement", r"Engagement ([\d.]+\s%)", true.engagement)
    yield number("n of engagement", r"of views \(n\s=\s(\d+)\)", true.told_likes)
    yield number("reels a week", r"([\d.]+) a week", true.per_week)
    for tier in TIERS:
        yield number(tier, rf"([\d,]+) {tier}", true.tiers[tier])
    for place, reel in enumerate(true.reels[:5], 1):
        yield number(f"top {place}", rf"{place}\. ([\d.,]+\s?[kMB]?) views", reel.plays)
        yield number(f"medians of top {place}", rf"{place}\. .*? · ([\d.,]+)×", reel.times)
    if true.best_weekday is not None:
        yield _word(
            "card", "best weekday", _found(text, r"Best (\w+)"), DAYS[true.best_weekday][:3]
        )
    if true.best_hour is not None:
        hour = _found(text, r"Best .*?(\d+):00")
        yield _word("card", "best hour", hour, str(true.best_hour))
    if true.trend:
        low, likely, high = true.trend
        yield number("trend", r": ([+−]\d+\s%) a month", likely)
        yield number("trend, at least", r"\(95\s%: ([+−]\d+\s%)", low)
        yield number("trend, at most", r"… ([+−]\d+\s%)", high)


def on_page(html: str, true: Truth) -> Iterator[Check]:
    tiles = {label: (value, note) for label, value, note in TILE.findall(html)}
    count = len(true.reels)

    def of(label: str, value: float) -> Check:
        return _number("page", label, tiles.get(label, ("", ""))[0], value)

    def n(label: str, value: int) -> Check:
        return _number("page", f"n of {label}", _found(tiles[label][1], r"n&nbsp;(\d+)"), value)

    yield of("Followers", true.followers)
    yield of("Median views", true.median_views)
    yield n("Median views", count)
    yield of("Views per follower", true.view_ratio)
    yield of("Engagement", true.engagement)
    yield n("Engagement", true.told_likes)
    yield of("Rhythm", true.per_week)
    for tier in TIERS:
        shown = _found(html, rf"</i>{tier} <b>(\d+)</b>")
        yield _number("page", tier, shown, true.tiers[tier])
    if true.best_weekday is not None:
        yield _word("page", "weekday", tiles["Best weekday"][0], DAYS[true.best_weekday])
    if true.best_hour is not None:
        yield _word("page", "hour", tiles["Best hour"][0][:2], f"{true.best_hour:02}")
    if true.trend:
        value, note = tiles["Trend"]
        for what, pattern, share in zip(
            ("trend, at least", "trend", "trend, at most"),
            (r"between (\S+ %)", r"(\S+ %) a month", r"and (\S+ %)"),
            true.trend,
            strict=True,
        ):
            yield _number("page", what, _found(f"{value} {note}", pattern), share)
    yield from _rows(html, true)


def _rows(html: str, true: Truth) -> Iterator[Check]:
    """The most seen first, as the page sorts them."""
    shown = [
        (code, tier, plays, likes, comments)
        for tier, _, plays, likes, comments, _, code in ROW.findall(html)
    ]
    wanted = [
        (
            reel.code,
            reel.tier,
            str(reel.plays),
            "-" if reel.likes is None else str(reel.likes),
            str(reel.comments),
        )
        for reel in true.reels
    ]
    if len(shown) != len(wanted):
        raise TourFailed(f"the page has {len(shown)} reels of {len(wanted)}")
    for place, (row, reel) in enumerate(zip(shown, wanted, strict=True), 1):
        yield Check("page", f"row {place}", row, reel, row == reel)


def _found(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _word(where: str, what: str, shown: str, true: str) -> Check:
    return Check(where, what, shown, true, shown == true)


def _number(where: str, what: str, shown: str, true: float) -> Check:
    """Right if it is the truth in as many digits as are shown."""
    found = NUMBER.match(shown)
    if found is None:
        return Check(where, what, shown, true, right=False)
    sign, digits, unit = found.groups()
    scale = SCALES[unit]
    value = float(digits.replace(",", "")) * scale * (-1 if sign == "−" else 1)
    last = scale / 10 ** len(digits.partition(".")[2])
    return Check(where, what, shown, true, abs(value - true) <= last / 2 * 1.001)


# ---------------------------------------------------------------- what is printed


def _print(checks: Sequence[Check], out: TextIO) -> None:
    """Shown and true, side by side; of the reels only what is wrong."""
    lines = ["", f"{'where':<7}{'figure':<22}{'shown':<16}true"]
    for check in checks:
        of_a_reel = check.where == "json" or check.what.startswith("row")
        if not (check.right and of_a_reel):
            true = f"{check.true:.4f}" if isinstance(check.true, float) else str(check.true)
            wrong = "" if check.right else "   WRONG"
            lines.append(f"{check.where:<7}{check.what:<22}{check.shown!s:<16}{true}{wrong}")
    number = sum(not check.right for check in checks)
    lines += ["", f"{len(checks)} figures were checked, {number} of them are wrong"]
    print("\n".join(lines), file=out, flush=True)
