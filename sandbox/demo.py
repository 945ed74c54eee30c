"""The whole sandbox in one process, and the real bot beside it as a process of its own.

Used by the command line, by the tours and by tests. The bot learns of the stand-ins only through
its settings: addresses, a proxy and a CA.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from aiohttp import web

from sandbox.bad_days import BadDay, Switches
from sandbox.chat.api import make_app
from sandbox.chat.extras import Extras, Link, Note, Sample
from sandbox.cloudinary import Cloudinary
from sandbox.graph import Meta
from sandbox.instagram import Instagram
from sandbox.instagram.mobile.doors import SECOND_FACTORS
from sandbox.machine_clock import MachineClock
from sandbox.telegram import Telegram, TelegramServer
from sandbox.world import World, films, pictures
from sandbox.world.music import Sound
from sandbox.world.people import MEMBERS
from sandbox.zones import Zones

TOKEN = "424242:sandbox-token-of-the-stand-in-for-telegram"  # noqa: S105 - opens the stand-in only
FIRST_USER = 1001
BANNER = (
    "This is the sandbox: Telegram, Instagram, Meta and Cloudinary are stand-ins on this machine. "
    "Nothing is real."
)
STORY_PHOTO, STORY_FILM = (1080, 1350), (270, 480)  # pixels of the samples
STORY_SECONDS = 4.0
HISTORY_DAYS = 90  # of figures: what the longest chart shows; a year is 4,500 requests
START_SECONDS = 30
STOP_SECONDS = 10
CLAIM = re.compile(r"/start (\w+)")


def real_time() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """The stand-ins. Start and stop it with `async with`.

    `now` is the clock of what lives for a while at Meta and Cloudinary: stories, tokens, files. The
    clocks of `zones` change soon after it.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        port: int = 0,
        now: Callable[[], datetime] = real_time,
    ) -> None:
        self.now = now
        self.world = world or World()
        self.zones = Zones(now)
        self.instagram = Instagram(self.world)
        self.meta = Meta(self.world, now=now)
        self.cloudinary = Cloudinary(now=now)
        self.telegram = Telegram(TOKEN)
        self.users = {member.username: FIRST_USER + number for number, member in enumerate(MEMBERS)}
        for member in MEMBERS:
            name = member.full_name.split()[0]
            self.telegram.add_person(self.users[member.username], name, member.username)
        self._telegram_server = TelegramServer(self.telegram)
        self._port = port
        self._page: web.AppRunner | None = None
        self.telegram_origin = ""
        self.page_url = ""

    async def __aenter__(self) -> Sandbox:
        await self.instagram.start()
        await self.meta.start()
        await self.cloudinary.start()
        self.telegram_origin = await self._telegram_server.start()
        self._page = web.AppRunner(
            make_app(self.telegram, self._extras()), access_log=None, shutdown_timeout=1
        )
        await self._page.setup()
        await web.TCPSite(self._page, "127.0.0.1", self._port).start()
        self.page_url = f"http://127.0.0.1:{self._page.addresses[0][1]}/"
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._page:
            await self._page.cleanup()
        await self._telegram_server.stop()
        await self.cloudinary.stop()
        await self.meta.stop()
        await self.instagram.stop()
        self.zones.close()

    def settings(self, data: Path) -> dict[str, str]:
        """What the bot is given, as environment variables."""
        return {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API": self.telegram_origin,
            "INSTAGRAM_PROXY": self.instagram.proxy_url,
            "INSTAGRAM_CA_FILE": str(self.instagram.ca_file),
            "INSTAGRAM_TRANSPORT": "requests",
            "INSTAGRAM_PACE_SECONDS": "0.2-0.4",
            "INSTAGRAM_REQUESTS_PER_MINUTE": "600",
            "FEED_POLL_MINUTES": "0.05",
            "INSIGHTS_HISTORY_DAYS": str(HISTORY_DAYS),
            "MEDIA_HOSTS": "127.0.0.1",
            "META_ORIGIN": self.meta.origin,
            "META_APP_ID": self.meta.app.facebook_id,
            "META_APP_SECRET": self.meta.app.facebook_secret,
            "INSTAGRAM_APP_ID": self.meta.app.instagram_id,
            "INSTAGRAM_APP_SECRET": self.meta.app.instagram_secret,
            "CLOUDINARY_URL": self.cloudinary.url,
            "CLOUDINARY_API": self.cloudinary.origin,
            "DATA_DIR": str(data),
            "WEB_PORT": "0",
            "BANNER": BANNER,
            "LOG_LEVEL": "WARNING",
        }

    # ------------------------------------------------------------ what the page offers

    def _extras(self) -> Extras:
        return Extras(
            samples=self.samples,
            links=self.links,
            bad_days=self.bad_days,
            switch=self.switch,
            banner=BANNER,
            notes=self.notes,
            pages=self.pages,
        )

    @property
    def _houses(self) -> tuple[Switches, ...]:
        return self.instagram.bad_days, self.meta.bad_days, self.cloudinary

    def bad_days(self) -> list[BadDay]:
        """Those of all stand-ins, with whether they are on."""
        return [day for house in self._houses for day in house.all()]

    def switch(self, name: str, on: bool) -> None:
        """One bad day, by its name; KeyError if there is none of that name."""
        for house in self._houses:
            if name in {day.name for day in house.all()}:
                house.switch(name, on)
                return
        raise KeyError(name)

    def samples(self) -> list[Sample]:
        """Cookie files, good and bad, and files for stories. Asked for anew, a good cookie file is
        a newer session."""

        def cookies(name: str, label: str, description: str, text: str) -> Sample:
            return Sample(name, label, description, "cookies.txt", "text/plain", text.encode())

        made = [
            cookies(
                f"cookies-{member.username}",
                f"cookies.txt of @{member.username}",
                "What a browser extension exports while you are logged in.",
                self.world.cookies_txt(member.username, session="new"),
            )
            for member in MEMBERS
        ]
        first = MEMBERS[0].username
        made += [
            cookies(
                "cookies-expired",
                "Expired cookies",
                "Their date is over.",
                self.world.cookies_txt(first, session="expired"),
            ),
            cookies(
                "cookies-dead",
                "Logged-out cookies",
                "They look good, but Instagram refuses them.",
                self.world.cookies_txt(first, session="dead"),
            ),
            Sample(
                "story-photo",
                "A photo for a story",
                "As a file, 4:5: it is padded to a story's 9:16.",
                "hills.jpg",
                "image/jpeg",
                pictures.jpeg(3, *STORY_PHOTO),
            ),
            Sample(
                "story-film",
                "A film for a story",
                "Four seconds at 10 pictures a second: it is encoded anew.",
                "waves.mp4",
                "video/mp4",
                films.mp4(6, Sound.SPEECH, None, STORY_SECONDS, *STORY_FILM),
            ),
        ]
        return made

    def notes(self) -> list[Note]:
        """Passwords, and the codes that Instagram wants besides at this moment; tokens of Meta's,
        each time a new one; a time zone whose clocks are about to change."""
        doors = self.instagram.doors
        made = []
        for member in MEMBERS:
            name = member.username
            made.append(Note(f"password-{name}", f"Password of @{name}", doors.password(name)))
            if code := doors.code_now(name):
                made.append(Note(f"code-{name}", f"Code that @{name} gets now", code))
            if doors.door(name) in SECOND_FACTORS:
                backup = doors.backup_code(name)
                made.append(Note(f"backup-{name}", f"Backup code of @{name}", backup))
        for account in self.meta.people.accounts.values():
            name, kind = account.username, account.type.replace("_", " ").lower()
            token = self.meta.instagram_token(name)
            made.append(Note(f"token-{name}", f"Meta token of @{name} ({kind})", token))
        zone = self.zones.autumn()
        label = f"A zone where it is 02:00 once more at {zone.change:%H:%M} UTC"
        made.append(Note("zone", label, zone.name))
        return made

    def pages(self) -> list[Link]:
        return [Link(self.meta.live_url, "The stories that are live at Meta")]

    def links(self) -> list[Link]:
        made = [
            Link(
                self.world.collection_url(one.owner, one.slug),
                f"{one.name}: {len(one.posts)} posts of @{one.owner}",
            )
            for one in self.world.collections
        ]
        reel = self.world.collections[0].posts[0]
        made.append(Link(reel.url, "A single post"))
        made.append(Link("https://www.tiktok.com/@someone/video/1", "Not Instagram"))
        return made


class BotFailed(Exception):
    """The bot did not come up; what it had to say stands on the terminal."""


class Bot:
    """The real product, as `python -m bot run`."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.claim_code = ""

    @property
    def pid(self) -> int:
        assert self._process is not None, "only of a bot that was started"
        return self._process.pid

    async def start(self) -> None:
        """Until it has printed its claim code, on a fresh data folder. Errors: BotFailed."""
        printed = await self._launch()
        try:
            async with asyncio.timeout(START_SECONDS):
                while line := await printed.readline():
                    if found := CLAIM.search(line.decode()):
                        self.claim_code = found[1]
                        break
        except TimeoutError:
            raise BotFailed(f"The bot was not ready within {START_SECONDS} s.") from None
        if not self.claim_code:
            raise BotFailed("The bot ended before it was ready; its messages stand above.")
        self._reader = asyncio.create_task(self._pass_on(printed))

    async def start_again(self) -> None:
        """After `stop` or `kill`, with the data that it had. It has an owner and prints no code, so
        this does not wait: it answers the chat once it is ready."""
        self._reader = asyncio.create_task(self._pass_on(await self._launch()))

    async def _launch(self) -> asyncio.StreamReader:
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            env={**inherited, **self._settings},
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the sandbox, which then stops the bot
        )
        assert self._process.stdout is not None
        return self._process.stdout

    @staticmethod
    async def _pass_on(lines: asyncio.StreamReader) -> None:
        """To stderr: what a tour prints as JSON stays alone on stdout."""
        while line := await lines.readline():
            sys.stderr.buffer.write(line)

    async def wait(self) -> int:
        """Until it ends by itself; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """As if the power went: it learns nothing of it."""
        assert self._process is not None, "only of a bot that was started"
        self._process.kill()
        await self._process.wait()
        if self._reader:
            await self._reader

    async def stop(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._reader:
            await self._reader


@contextlib.asynccontextmanager
async def sandbox_with_bot(
    *,
    world: World | None = None,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
    clock: MachineClock | None = None,
) -> AsyncIterator[tuple[Sandbox, Bot]]:
    """(sandbox, bot) with a fresh data folder that vanishes afterwards.

    `settings` override what the sandbox gives the bot. `clock`: of both; None: the machine's.
    Errors: BotFailed; OSError if the page's port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="reelay-demo-") as data:
        async with Sandbox(world, port=port, now=clock or real_time) as sandbox:
            bot = Bot(
                {
                    **sandbox.settings(Path(data)),
                    **sandbox.zones.environment,
                    **(clock.environment if clock else {}),
                    **(settings or {}),
                }
            )
            try:
                await bot.start()
                yield sandbox, bot
            finally:
                await bot.stop()
