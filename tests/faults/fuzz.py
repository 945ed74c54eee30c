"""20,000 cases of each kind of bad input: the properties of the suite, run with more examples."""

from __future__ import annotations

import asyncio
import os
import re
import sys

from tests.faults.table import Figure, equal

KINDS = {
    "cookie files": ("tests/services/instagram/test_cookies.py", "any_bytes or every_cookie"),
    "URLs": ("tests/services/instagram/test_links.py", "any_text"),
    "callback data": ("tests/bot/test_fuzz.py", "any_callback_data"),
    "commands": ("tests/bot/test_fuzz.py", "any_commands"),
    "uploads": ("tests/bot/test_fuzz.py", "any_upload"),
    "steps of a story": ("tests/services/stories/test_interleavings.py", "Interleavings"),
}
AT_ONCE = 2
_CASES = re.compile(r"- (\d+) passing, \d+ failing")


async def run(examples: int, seed: int) -> list[Figure]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(kind: str) -> list[Figure]:
        async with turn:
            return await _property(kind, examples, seed)

    found = await asyncio.gather(*(one(kind) for kind in KINDS))
    return [figure for figures in found for figure in figures]


async def _property(kind: str, examples: int, seed: int) -> list[Figure]:
    path, which = KINDS[kind]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", path, "-k", which, "-p", "no:randomly"),
        *("--hypothesis-show-statistics", f"--hypothesis-seed={seed}"),
        env={**os.environ, "REELAY_EXAMPLES": str(examples)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode(errors="replace")
    cases = min((int(number) for number in _CASES.findall(output)), default=0)
    print(f"{kind}: {cases} cases, exit code {process.returncode}", flush=True)  # noqa: T201
    if process.returncode:
        print(output[-6000:], flush=True)  # noqa: T201 - the falsifying example
    return [
        Figure("bad input", f"{kind}: cases", str(cases), f">= {examples}", cases >= examples),
        equal("bad input", f"{kind}: properties broken", int(bool(process.returncode)), 0),
    ]
