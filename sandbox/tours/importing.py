"""The tour of imports: claim, connect, preview, import, report, audit."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from sandbox.demo import Sandbox
from sandbox.tours.stage import Stage
from sandbox.tours.visitor import TourFailed, Visitor

PAID = re.compile(r"([\d,]+) credits? paid, ([\d,]+) refunded, ([\d,]+) left")


async def tour_import(stage: Stage) -> dict[str, object]:
    """120 posts of which 12 are bad."""
    return await _import(stage, "reels-ideas")


async def tour_big_import(stage: Stage) -> dict[str, object]:
    """500 posts: what one import may bring at most by default."""
    return await _import(stage, "studio")


async def _import(stage: Stage, slug: str) -> dict[str, object]:
    mia, sandbox = await connected(stage), stage.sandbox
    mia.say(sandbox.world.collection_url("mia", slug))
    await mia.tap("Import all")
    result = await mia.sees(r"✅ Done:")
    await mia.tap("CSV report")
    rows = list(csv.DictReader(io.StringIO((await mia.receives(".csv")).decode("utf-8-sig"))))
    mia.say("/credits")
    await mia.tap("Audit")
    await mia.sees("The books are right")
    return _facts(sandbox, rows, result["text"])


async def connected(stage: Stage) -> Visitor:
    """Mia, who has claimed the bot and connected her account."""
    mia = stage.visitor()
    await connect(mia, stage.sandbox, stage.bot.claim_code)
    return mia


async def connect(visitor: Visitor, sandbox: Sandbox, claim_code: str, user: str = "mia") -> None:
    """From the first message to a working Instagram account."""
    visitor.say(f"/start {claim_code}")
    await visitor.tap("Connect Instagram")
    await visitor.sees("Send your cookies.txt")
    visitor.send_file("cookies.txt", sandbox.world.cookies_txt(user).encode())
    await visitor.sees(f"Connected as @{user}")


def _facts(sandbox: Sandbox, rows: list[dict[str, str]], result: str) -> dict[str, object]:
    """From what the person was shown and given, and from the stand-in's count of requests."""
    outcomes = Counter(row["outcome"] for row in rows)
    paid = PAID.search(result)
    if paid is None:
        raise TourFailed("the result does not say what was paid")
    kept, refunded, balance = (int(number.replace(",", "")) for number in paid.groups())
    requests = sandbox.instagram.api_requests()
    return {
        "listed": len(rows),
        "saved": outcomes["saved"],
        "gone": outcomes["gone"],
        "failed": outcomes["failed"],
        "charged": kept + refunded,
        "refunded": refunded,
        "balance": balance,
        "duplicates": len(rows) - len({row["shortcode"] for row in rows}),
        "instagram_requests": requests,
        "requests_per_post": round(requests / max(1, outcomes["saved"]), 4),
    }
