"""The Meta half of the tour with planted secrets: every way in, a story on a bad day, an export.
Used by planted.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.cloudinary.server import API_SECRET
from sandbox.demo import Sandbox
from sandbox.graph import Call
from sandbox.graph.people import APP
from sandbox.tours.visitor import Visitor
from sandbox.world import pictures

ACCOUNT = "mia"
BAD = ("IGAAplantedAndRefused4f1e", "EAABplantedAndRefused4f1e")
# where a token is made of a token or a secret: Meta wants them in the address
IN_ADDRESS = (
    Call.INSPECT,
    Call.FACEBOOK_TOKEN,
    Call.INSTAGRAM_EXCHANGE,
    Call.INSTAGRAM_REFRESH,
    Call.INSTAGRAM_DIALOG,
    Call.FACEBOOK_DIALOG,
)
FLAVOURS = ("Instagram", "Facebook")


@dataclass(slots=True)
class Met:
    """`pasted`: tokens. `codes`: that came back from Meta's page. `pages`: of the side server, by
    name."""

    pasted: tuple[str, ...]
    codes: list[str] = field(default_factory=list)
    pages: list[tuple[str, bytes]] = field(default_factory=list)
    export: bytes = b""


def settings(sandbox: Sandbox) -> dict[str, str]:
    """A token in the environment, as App Dashboard gives it."""
    return {"META_ACCESS_TOKEN": sandbox.meta.instagram_token(ACCOUNT)}


async def visit(sandbox: Sandbox, mia: Visitor) -> Met:
    meta = sandbox.meta
    good = meta.instagram_token(ACCOUNT, is_long=False), meta.facebook_token(ACCOUNT)
    met = Met((*BAD, *good))
    for token in met.pasted:
        mia.say("/connect")
        await mia.tap("Meta: stories, insights")
        await mia.tap("Paste a token")
        await mia.sees("Paste a token of Meta's App Dashboard")
        mia.say(token)
        await mia.sees("Nothing was stored" if token in BAD else f"Connected at Meta\n@{ACCOUNT}")
    for flavour in FLAVOURS:
        await _log_in(mia, flavour, met)
    sandbox.switch("meta-error-after", True)
    photo = pictures.jpeg(3, 1080, 1920)
    mia.send_file("planted.jpg", photo, "image/jpeg")
    await mia.sees(r"(?s)planted\.jpg.*✅")
    await mia.tap("Post now")
    await mia.sees("You can undo it until then")
    await mia.sees("Live ")
    sandbox.switch("meta-error-after", False)
    mia.say("/stories")
    await mia.tap("CSV")
    met.export = await mia.receives("stories.csv")
    return met


async def _log_in(mia: Visitor, flavour: str, met: Met) -> None:
    """By Meta's page, whose way back is tried a second time."""
    mia.say("/connect")
    await mia.tap("Meta: stories, insights")
    await mia.tap("Log in by Instagram" if flavour == "Instagram" else "by Facebook")
    asked = await mia.sees(f"Log in at {flavour} and leave")
    address = asked["reply_markup"]["inline_keyboard"][0][0]["url"]
    async with httpx.AsyncClient(trust_env=False) as browser:
        form = {"person": ACCOUNT, "answer": "allow"}
        back = (await browser.post(address, data=form)).headers["location"].partition("#")[0]
        met.codes += parse_qs(urlsplit(back).query)["code"]
        for time in ("once", "twice"):
            met.pages.append((f"{flavour} {time}", (await browser.get(back)).content))
    await mia.sees(f"Connected at Meta\n@{ACCOUNT}")


def secrets(sandbox: Sandbox, met: Met) -> dict[str, str]:
    """Also every token that Meta has given out on the way."""
    tokens = set(met.pasted)
    tokens |= {token for request in sandbox.meta.requests for token in _tokens(request.body)}
    for request in sandbox.meta.requests:
        given = request.headers.get("Authorization", "").partition(" ")[2]
        tokens |= {given} - {""}
    return {
        **{f"Meta token {number}": token for number, token in enumerate(sorted(tokens), 1)},
        **{f"code {number}": code for number, code in enumerate(met.codes, 1)},
        "Facebook app's secret": APP.facebook_secret,
        "Instagram app's secret": APP.instagram_secret,
        "Cloudinary's secret": API_SECRET,
    }


def _tokens(body: str) -> Iterator[str]:
    try:
        answer = json.loads(body)
    except ValueError:
        return
    waiting = [answer]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            if isinstance(token := part.get("access_token"), str):
                yield token


def addresses(sandbox: Sandbox) -> Iterator[tuple[str, bytes]]:
    """Of Meta's that were called."""
    for number, request in enumerate(sandbox.meta.requests):
        if request.call not in IN_ADDRESS:
            yield f"address {number}", f"{request.path}?{request.query}".encode()
