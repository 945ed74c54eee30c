"""(a) Importing the collection of 500 beside plain gallery-dl, from the same stand-in.

Pacing is off for both, and every file is made before, so that the stand-in's encoder is not what is
measured. Rounds take turns in who begins.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sandbox.demo import Bot, Sandbox
from sandbox.tours.importing import connect
from sandbox.tours.visitor import Visitor
from sandbox.world import World
from storage.samples import MADE
from tests.bench.table import Result

ROUNDS = 2
OWNER, COLLECTION = "mia", "studio"
REQUESTS_PER_POST = 0.06  # the bar, with the requests of connecting
UNPACED = {"INSTAGRAM_PACE_SECONDS": "0-0", "INSTAGRAM_REQUESTS_PER_MINUTE": "1000000"}


@dataclass(frozen=True, slots=True)
class Taken:
    """One run. `files`: {sha256: how often}, of everything that it brought."""

    seconds: float
    requests: int
    posts: int
    files: Counter[str]


async def run(world: World) -> Result:
    warm(world, COLLECTION)
    ours: list[Taken] = []
    theirs: list[Taken] = []
    for round_ in range(ROUNDS):
        turns = [(_reelay, ours), (_gallery_dl, theirs)]
        for measure, results in turns if round_ % 2 == 0 else reversed(turns):
            async with Sandbox(world) as sandbox:
                with tempfile.TemporaryDirectory(prefix="reelay-bench-") as folder:
                    results.append(await measure(sandbox, Path(folder)))
    return _result(ours, theirs)


def warm(world: World, *slugs: str) -> None:
    """Makes every file of these collections; the world keeps what is slow to make."""
    for collection in world.collections:
        for post in collection.posts if collection.slug in slugs else ():
            for piece in post.pieces:
                world.file(piece.pk, "film" if piece.is_film else "full")


def _result(ours: list[Taken], theirs: list[Taken]) -> Result:
    rows = [
        (
            f"{name} {number}",
            f"{one.seconds:.1f}",
            str(one.requests),
            str(one.posts),
            str(one.files.total()),
            f"{one.posts / one.seconds:.1f}",
            f"{one.requests / one.posts:.4f}",
        )
        for name, runs in (("reelay", ours), ("gallery-dl", theirs))
        for number, one in enumerate(runs, 1)
    ]
    ratio = median(one.seconds for one in ours) / median(one.seconds for one in theirs)
    missed = []
    if any(one.files != ours[0].files for one in ours + theirs):
        missed.append("Reelay and gallery-dl did not bring the same files")
    if any(one.posts != ours[0].posts for one in ours + theirs):
        missed.append("Reelay and gallery-dl did not bring the same number of posts")
    if any(one.requests / one.posts > REQUESTS_PER_POST for one in ours):
        missed.append(f"more than {REQUESTS_PER_POST} requests for each imported post")
    return Result(
        "(a) Import of a collection of 500 posts, 2 of them bad; pacing off",
        ("run", "seconds", "requests", "posts", "files", "posts/s", "requests/post"),
        rows,
        [
            f"time of Reelay / time of gallery-dl, medians: {ratio:.2f}",
            "Reelay's requests include the three of connecting; its time runs from the pasted link "
            "to the result, in the chat.",
        ],
        missed,
    )


# ---------------------------------------------------------------- Reelay


async def _reelay(sandbox: Sandbox, folder: Path) -> Taken:
    bot = Bot({**sandbox.settings(folder), **UNPACED})
    try:
        await bot.start()
        mia = Visitor(sandbox.telegram, sandbox.users[OWNER], io.StringIO())
        await connect(mia, sandbox, bot.claim_code)
        began = time.monotonic()
        mia.say(sandbox.world.collection_url(OWNER, COLLECTION))
        await mia.tap("Import all")
        result = await mia.sees("✅ Done:")
        seconds = time.monotonic() - began
    finally:
        await bot.stop()
    posts = int(result["text"].split("\n")[1].split(" ")[0])
    return Taken(seconds, sandbox.instagram.api_requests(), posts, _files(folder / "media"))


# ---------------------------------------------------------------- gallery-dl


async def _gallery_dl(sandbox: Sandbox, folder: Path) -> Taken:
    (folder / "cookies.txt").write_text(sandbox.world.cookies_txt(OWNER))
    (folder / "options.json").write_text(json.dumps(_options(sandbox)))
    command = (sys.executable, "-m", "gallery_dl", "--config-ignore", "--config", "options.json")
    url = sandbox.world.collection_url(OWNER, COLLECTION)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        url,
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,  # it complains of the two bad posts
    )
    await process.wait()
    seconds = time.monotonic() - began
    posts = {path.name.split("_")[0] for path in (folder / "out").rglob("*") if path.is_file()}
    return Taken(seconds, sandbox.instagram.api_requests(), len(posts), _files(folder / "out"))


def _options(sandbox: Sandbox) -> dict[str, object]:
    """As anyone would run it, but without pauses."""
    return {
        "extractor": {
            "base-directory": "out",
            "cookies": "cookies.txt",
            "cookies-update": False,
            "proxy": {"https": sandbox.instagram.proxy_url},
            "verify": str(sandbox.instagram.ca_file),
            "sleep-request": 0,
            "instagram": {"filename": "{post_id}_{num}.{extension}", "directory": []},
        },
        "downloader": {"part": True},
        "cache": {"file": "cache.sqlite3"},
    }


def _files(folder: Path) -> Counter[str]:
    """Without the sounds and pictures that Reelay makes of them, also while it goes on."""
    made = tuple(f".{ending}" for ending in MADE)
    return Counter(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".incoming" not in path.parts and not path.name.endswith(made)
    )
