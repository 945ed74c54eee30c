"""(h) A profile of 5,000 reels, from its name to the result in the chat: what it costs, and how
long others wait for their answers meanwhile.

Pacing is off. The stand-ins and the visitor share the machine with the bot.
"""

from __future__ import annotations

import asyncio
import io
import re
import time

from sandbox.demo import Sandbox, sandbox_with_bot
from sandbox.instagram.mobile.users import CLIPS_PAGE_SIZE
from sandbox.tours.analyze import NAME, RESULT
from sandbox.tours.visitor import Visitor
from sandbox.world import World
from tests.bench.answers import AT_REST, at, guests
from tests.bench.footprint import memory
from tests.bench.importing import UNPACED
from tests.bench.table import Result
from tests.services.analysis.stage import CLIPS

REELS = 5_000
MOST = 2_000  # questions meanwhile
STORED = re.compile(r"followers · ([\d,]+) reels")


async def run(world: World) -> Result:
    settings = {**UNPACED, "ANALYSIS_REEL_LIMIT": str(REELS)}
    async with sandbox_with_bot(world=world, settings=settings) as (sandbox, bot):
        instagram = sandbox.instagram
        await asyncio.to_thread(instagram.fill, NAME, REELS - len(instagram.reels(NAME)))
        asker = await guests(sandbox, bot)
        await asker.once()  # the first answer of all is the slowest, and nobody's everyday
        rest = await asker.until(AT_REST, lambda: False)
        before = memory(bot.pid, "VmRSS")
        instagram.reset_log()
        analysis = asyncio.create_task(_analyse(sandbox))
        busy = await asker.until(MOST, analysis.done)
        seconds, card = await analysis
        peak = memory(bot.pid, "VmHWM")
        pages = sum(request.path == CLIPS for request in instagram.requests)
        requests = instagram.api_requests()
    rows: list[tuple[str, ...]] = [
        ("requests", str(requests)),
        ("of them pages of reels", str(pages)),
        ("seconds, to the result in the chat", f"{seconds:.1f}"),
        ("MB (RSS) before", f"{before:.0f}"),
        ("MB (RSS) at its highest", f"{peak:.0f}"),
    ]
    for name, times in (("at rest", rest), ("meanwhile", busy)):
        for share in (50, 99):
            what = f"answers to others {name}, ms, p{share} of {len(times)}"
            rows.append((what, f"{at(times, share):.1f}"))
    return Result(f"(h) A profile of {REELS:,} reels", ("", ""), rows, missed=_missed(card, pages))


async def _analyse(sandbox: Sandbox) -> tuple[float, str]:
    """Seconds from the command to the result, and its text."""
    mia = Visitor(sandbox.telegram, sandbox.users["mia"], io.StringIO())
    began = time.perf_counter()
    mia.say(f"/analyze @{NAME}")
    message = await mia.sees(RESULT)
    return time.perf_counter() - began, message.get("caption") or message["text"]


def _missed(card: str, pages: int) -> list[str]:
    missed = []
    found = STORED.search(card)
    if found is None or int(found[1].replace(",", "")) != REELS:
        missed.append(f"the result is not of {REELS:,} reels: {card!r}")
    if pages != -(-REELS // CLIPS_PAGE_SIZE):
        missed.append(f"{pages} pages were asked for")
    return missed
