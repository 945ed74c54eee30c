"""The insights' half of the tour with planted secrets: a sync in which Meta repeats the token that
it was sent, its card and its log, files, a page. Used by planted.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx

from sandbox.demo import Sandbox
from sandbox.graph import Call, Refusal
from sandbox.tours.visitor import Visitor

SETTINGS = {"INSIGHTS_HISTORY_DAYS": "0"}
ECHOES = (100, 10, 803)  # Meta's codes: removed, not permitted, unknown; none ends the sync
ADDRESS = re.compile(r"http://\S+/insights/([\w-]+)")


@dataclass(frozen=True, slots=True)
class Seen:
    """`token`: of the page's address, which the chat shows once."""

    token: str
    files: list[tuple[str, bytes]]


async def visit(sandbox: Sandbox, mia: Visitor, token: str) -> Seen:
    """`token`: the one that the account is connected with."""
    for code in ECHOES:
        echo = Refusal(code, f"(#{code}) Malformed access token {token}")
        sandbox.meta.trouble_next(Call.ACCOUNT_INSIGHTS, echo, skip=code % 7)
    mia.say("/sync")
    await mia.sees("🔒 The log-in of @mia may not read insights")
    await mia.tap("Details")  # once it has ended
    await mia.sees("🔎 @mia")
    await mia.tap("Sync log")
    mia.say("/insights")
    await mia.sees("📈 @mia")
    files = []
    for form in ("CSV", "JSON"):
        await mia.tap(form)
        files.append((f"figures as {form}", await mia.receives(f".{form.lower()}")))
    await mia.tap("Page")
    address = ADDRESS.search((await mia.sees("The figures as a page"))["text"])
    assert address
    async with httpx.AsyncClient(trust_env=False) as browser:
        for end in ("", "x"):
            page = await browser.get(address[0] + end)
            files.append((f"page of figures{end}", page.content))
    return Seen(address[1], files)
