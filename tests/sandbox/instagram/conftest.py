"""A running stand-in, and the real gallery-dl as a subprocess that talks to it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.instagram import Instagram
from sandbox.world import World

TIME_LIMIT = 30  # seconds; a call takes about 0.3
RECIPE = {
    "extractor": {
        "modules": ["instagram"],  # loading all the other sites' costs half of a start
        "base-directory": "./files",
        "directory": [],
        "download": False,
        "skip": False,
        "input": False,
        "cookies-update": False,
        "retries": 0,
        "sleep-request": 0,
        "sleep-429": 0.01,
        "metadata-url": "file_url",
        "write-pages": True,
        "instagram": {"videos": "merged", "user-cache": "memory"},
        "postprocessors": [
            {"name": "metadata", "mode": "jsonl", "filename": "-", "event": event}
            for event in ("post", "prepare")
        ],
    },
    "output": {
        "mode": "null",
        "log": {"level": "debug", "format": "{levelname}|{name}|{message}"},
    },
}


@dataclass(frozen=True)
class Run:
    """What one call of gallery-dl left behind."""

    exit_code: int
    posts: list[dict[str, Any]]
    files: list[dict[str, Any]]
    errors: list[str]
    log: str
    page_name: str
    page: str  # the newest answer of the server

    @property
    def answer(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.page)
        return parsed


GalleryDl = Callable[..., Awaitable[Run]]


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture
async def instagram(world: World) -> AsyncIterator[Instagram]:
    async with Instagram(world) as running:
        yield running


@pytest.fixture
def gallery_dl(instagram: Instagram, tmp_path: Path) -> GalleryDl:
    """`await gallery_dl(url, *options, cookies=…)`: cookies are mia's unless given."""
    calls = 0

    async def call(url: str, *options: str, cookies: str | None = None) -> Run:
        nonlocal calls
        calls += 1
        folder = tmp_path / str(calls)
        folder.mkdir()
        recipe, jar = tmp_path / f"recipe{calls}.json", tmp_path / f"cookies{calls}.txt"
        recipe.write_text(json.dumps(RECIPE))
        jar.write_text(cookies or instagram.world.cookies_txt("mia"))
        proxy = json.dumps({"https": instagram.proxy_url})
        command = [sys.executable, "-m", "gallery_dl", "--config-ignore", "-c", str(recipe)]
        command += ["--no-input", "--no-colors", "--cookies", str(jar)]
        command += ["--cache-file", str(tmp_path / "cache.sqlite3")]
        command += ["-o", f"proxy={proxy}", "-o", f"verify={instagram.ca_file}", *options, url]
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), TIME_LIMIT)
        return _read(process.returncode or 0, out.decode(), err.decode(), folder)

    return call


def _read(exit_code: int, out: str, err: str, folder: Path) -> Run:
    lines = [json.loads(line) for line in out.splitlines()]
    pages = sorted(folder.glob("*.txt"), key=lambda path: int(path.name.split("_", 1)[0]))
    return Run(
        exit_code=exit_code,
        posts=[line for line in lines if "num" not in line],
        files=[line for line in lines if "num" in line],
        errors=[line.split("|", 2)[2] for line in err.splitlines() if line.startswith("error|")],
        log=err,
        page_name=pages[-1].name if pages else "",
        page=pages[-1].read_text("utf-8") if pages else "",
    )
