"""Reads Instagram's saved lists and single posts through gallery-dl, one subprocess a call.

Called by the import and by /connect, always behind the identity's pace (services.instagram.pace).
gallery-dl is GPL-2.0-only, so it is started and never imported; its command line is also its most
stable surface. Here it only lists: the raw answers that it writes down hold everything we need.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from services.errors import (
    InstagramError,
    PostGone,
    SessionRefused,
    StorageFailed,
    UpstreamChanged,
)
from services.instagram.posts import Item, UnreadablePost, items_of
from services.instagram.reports import keep_report, values_of
from services.instagram.verdict import Answer, Run, judge

SITE = "https://www.instagram.com"

READ_ITEM_REQUESTS = 1
RESOLVE_SHARE_REQUESTS = 2  # HEAD of the share link, then the post itself
WHOAMI_REQUESTS = 3  # the first saved page, the front page (for its tokens), the profile

_PROGRAM = (sys.executable, "-P", "-m", "gallery_dl")
_ANSWER_SECONDS = 30
_ONE_REQUEST_ONLY = 3600  # seconds before a second request, which is never waited for
_MAX_LOG = 1 << 20
_MAX_ANSWER = 32 << 20
_FOLDER_PREFIX = "gallery-dl-"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USER = re.compile(r"[A-Za-z0-9._]{1,30}")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, items as Instagram sent them. `next_cursor` is None on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None
    requests: int


class GalleryDl:
    """The adapter. `scratch` should be memory-backed; it and `reports` are made if missing.

    Every method raises an InstagramError with its `requests`, or StorageFailed. `cookies` is
    Netscape text; it lives in a 0600 file of a 0700 folder for the time of the call only.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 300,
        proxy: str | None = None,
        ca_file: Path | None = None,
        scratch: Path,
        reports: Path,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._proxy = proxy
        self._ca_file = ca_file
        self._scratch = scratch
        self._reports = reports

    @staticmethod
    def version() -> str:
        return metadata.version("gallery-dl")

    async def list_page(self, link_url: str, cookies: str, cursor: str | None) -> Page:
        """One page of a collection or of all saved posts: exactly one request to Instagram.

        `link_url` is Link.url; `cursor` is the next_cursor of the page before, None for the first.
        """
        run = await self._run(link_url, cookies, cursor)
        content = run.last().content()
        try:
            items = items_of(content)
            following = _next_cursor(content, cursor)
        except UnreadablePost:
            raise self._failure(run, link_url, cookies, single_post=False) from None
        return Page(tuple(items), following, run.requests())

    async def read_item(self, shortcode: str, cookies: str) -> Item:
        """One post anew, with fresh media addresses. Raises PostGone if it was deleted."""
        url = f"{SITE}/p/{shortcode}/"
        return await self._single(url, cookies)

    async def resolve_share(self, url: str, cookies: str) -> str:
        """The shortcode of the post that a /share/ link leads to."""
        code = (await self._single(url, cookies)).get("code")
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
        raise _counted(UpstreamChanged(subject=url), RESOLVE_SHARE_REQUESTS)

    async def whoami(self, user_id: str, cookies: str) -> str:
        """The user name of the account `user_id`, whose cookies these are and who is logged in.

        The saved list proves the session: nobody else may read it. The profile alone would not,
        for it may be public; but only the profile tells the name.
        """
        saved = await self.list_page(f"{SITE}/id:{user_id}/saved/", cookies, None)
        url = f"{SITE}/id:{user_id}/info"
        run = await self._run(url, cookies, None)
        match run.last().content():
            case {"data": {"user": {"username": str(name)}}} if _USER.fullmatch(name):
                return name
            case {"data": {"user": None}}:  # no such account any more
                error: InstagramError = SessionRefused(subject=user_id)
            case _:
                error = self._failure(run, url, cookies, single_post=False)
        raise _counted(error, saved.requests + run.requests())

    async def _single(self, url: str, cookies: str) -> Item:
        run = await self._run(url, cookies, None)
        try:
            items = items_of(run.last().content())
        except UnreadablePost:
            raise self._failure(run, url, cookies, single_post=True) from None
        if not items or not items[0]:
            raise _counted(PostGone(subject=url), run.requests())
        return items[0]

    def _failure(self, run: Run, url: str, cookies: str, *, single_post: bool) -> InstagramError:
        """The error of a run that brought nothing; what nobody understands leaves a report."""
        error = judge(run, single_post=single_post)
        error.subject = url
        if isinstance(error, UpstreamChanged):
            error.report = self._keep(run, url, cookies)
        return _counted(error, run.requests())

    def _keep(self, run: Run, url: str, cookies: str) -> str:
        parts = (
            f"gallery-dl {self.version()}, exit code {run.exit_code} {run.stopped}".rstrip(),
            url,
            run.log[-8000:],
            *(answer.name for answer in run.answers),
            run.last().body,
        )
        proxy = self._proxy or ""
        hidden = [*values_of(cookies), proxy, proxy.rpartition("@")[0]]
        return keep_report(self._reports, "\n\n".join(parts), hidden)

    async def _run(self, url: str, cookies: str, cursor: str | None) -> Run:
        options = json.dumps(self._options(cursor))
        try:
            with self._private_folder() as folder:
                _write_private(folder / "cookies.txt", cookies)
                _write_private(folder / "options.json", options)
                return await self._spawn(url, folder)
        except OSError as error:
            raise StorageFailed(subject="the scratch folder") from error

    def _options(self, cursor: str | None) -> dict[str, object]:
        """gallery-dl's configuration for one request: nothing is tried again or downloaded here."""
        options: dict[str, object] = {
            "cookies": "cookies.txt",
            "cookies-update": False,
            "download": False,
            "skip": False,
            "input": False,
            "modules": ["instagram"],  # the others would be loaded at each start, for 0.07 s
            "base-directory": ".",
            "directory": [],
            "write-pages": True,
            "retries": 0,
            "timeout": _ANSWER_SECONDS,
            "sleep-429": 0,
            "sleep-request": _ONE_REQUEST_ONLY,
            "verify": str(self._ca_file) if self._ca_file else True,
            "instagram": {
                "videos": "merged",
                "user-cache": "memory",
                "warn-images": False,
                "warn-videos": False,
                "max-posts": 1,  # the whole page is written down; one post is enough to ask for it
            },
        }
        if self._proxy:
            options["proxy"] = {"https": self._proxy}
        if cursor is not None:
            options["cursor"] = cursor
        output = {
            "mode": "null",
            "progress": False,
            "log": {"level": "debug", "format": "{levelname}|{name}|{message}"},
        }
        return {"extractor": options, "output": output, "cache": {"file": "cache.sqlite3"}}

    async def _spawn(self, url: str, folder: Path) -> Run:
        """Run gallery-dl in `folder` to its end, or end it: its whole process group."""
        command = [*_PROGRAM, "--config-ignore", "--config", "options.json"]
        process = await asyncio.create_subprocess_exec(
            *[*command, "--no-input", "--no-colors", "--", url],
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout
        log, stopped, has_page = bytearray(), "", False
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while chunk := await process.stdout.read(65536):
                    log += chunk
                    if b"debug|instagram|Cursor: " in log:  # on to the next page: this was empty
                        has_page = True
                        break
                    if len(log) > _MAX_LOG:
                        stopped = "printed without end"
                        break
                else:
                    await process.wait()
        except TimeoutError:
            stopped = f"did not end within {self._timeout_seconds:g} seconds"
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()  # drains the pipe too: without that wait() may hang
        code = 0 if has_page else None if stopped else process.returncode
        return Run(code, log.decode("utf-8", "replace"), _read_answers(folder), stopped)

    @contextlib.contextmanager
    def _private_folder(self) -> Iterator[Path]:
        """A 0700 folder, gone afterwards. A lock on it says that its owner lives."""
        with self._locked_scratch():  # so that sweep() never sees it before its lock
            folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=self._scratch))
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            try:
                shutil.rmtree(folder)
            finally:
                os.close(lock)

    @contextlib.contextmanager
    def _locked_scratch(self) -> Iterator[None]:
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(self._scratch) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def sweep(self) -> int:
        """Remove what killed processes left behind, cookies included; returns how many folders.

        Locks end with their process, whatever number it had, so a live neighbour is left alone.
        """
        removed = 0
        with self._locked_scratch():
            for folder in self._scratch.glob(f"{_FOLDER_PREFIX}*"):
                # OSError: locked by its owner, gone meanwhile, or a gallery-dl that outlived its
                # owner is still writing there (then the next sweep takes the rest)
                with contextlib.suppress(OSError), _opened(folder) as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
                    removed += 1
        return removed


def _counted(error: InstagramError, requests: int) -> InstagramError:
    error.requests = requests
    return error


def _next_cursor(content: dict[str, Any], cursor: str | None) -> str | None:
    """Where the next page begins, None at the end of the list.

    Raises UnreadablePost for a cursor that does not lead on: the rest would be lost, or the same
    page be read for ever.
    """
    if not content.get("more_available"):
        return None
    following = content.get("next_max_id")
    if not isinstance(following, str | int) or str(following) in {"", cursor}:
        raise UnreadablePost("a list that does not say where it goes on")
    return str(following)


def _read_answers(folder: Path) -> tuple[Answer, ...]:
    """What --write-pages left: "NN_<address>.txt", numbered in the order of arrival."""
    found = [
        (int(path.name.partition("_")[0]), path)
        for path in folder.glob("*_http*.txt")
        if path.name.partition("_")[0].isdigit()
    ]
    answers = []
    for _, path in sorted(found):
        with path.open(encoding="utf-8", errors="replace") as file:
            answers.append(Answer(path.name, file.read(_MAX_ANSWER)))
    return tuple(answers)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
