"""What `reelay doctor` and `reelay media move` do: from settings to services, and words for people.

Called by bot/__main__.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.accounts.meta_parts import apps, graph_client
from bot.settings import Settings
from bot.stories.parts import public_files
from bot.telegram import SetupError
from services.clock import utc_now
from services.errors import ReelayError
from services.graph.access import Access
from services.upkeep import doctor
from services.upkeep.doctor import Finding
from services.upkeep.moving import Move, Moved
from storage.database import Database, Unavailable
from storage.objects import BadAddress, ObjectStore, open_store

SHOWN = 10  # keys that are named, of those that are missing
SAID_EVERY = 2.0  # seconds

Say = Callable[[str], None]


class Refused(Exception):
    """The command stops here; the text says why, and what to do."""


# ---------------------------------------------------------------- doctor


async def examine(settings: Settings) -> list[Finding]:
    """All that can be known without stopping a Reelay that runs."""
    data = settings.data_dir.resolve()
    domain = Database(settings.database)
    given = settings.reelay_keys.get_secret_value()
    found = [
        Finding("settings", "They can be read"),
        await doctor.sealing_key(domain, given, data / "secret.key"),
        await doctor.database(domain),
    ]
    objects: ObjectStore | None = None
    try:
        objects = _present(settings)
    except BadAddress as error:
        found.append(Finding("media", str(error), "Check MEDIA_STORE and MEDIA_STORE_OPTIONS"))
    else:
        found.append(await doctor.media_store(objects, settings.media_store))
        found.append(await doctor.disk(objects))
    found += [await _telegram(settings), doctor.gallery_dl()]
    found.append(doctor.public_url(settings.public_url))
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        access = Access(graph_client(settings, http, utc_now), apps(settings), utc_now)
        has_token = bool(settings.meta_access_token.get_secret_value())
        found += await doctor.meta(domain, access, apps(settings), given=has_token)
        if objects is not None:
            found.append(await _hosting(settings, http, objects))
    await domain.close()
    return found


async def _hosting(settings: Settings, http: httpx.AsyncClient, objects: ObjectStore) -> Finding:
    try:
        public = public_files(settings, objects, utc_now)
    except SetupError as error:
        return Finding("hosting", str(error), "Write it as docs/guide.md says")
    return await doctor.public_files(public, http, objects)


async def _telegram(settings: Settings) -> Finding:
    token = settings.telegram_bot_token.get_secret_value()
    if not token:
        return Finding(
            "telegram", "TELEGRAM_BOT_TOKEN is not set", "Get one from @BotFather; put it into .env"
        )
    try:
        async with Bot(token, base_url=f"{settings.telegram_api}/bot") as bot:
            name = bot.username
    except InvalidToken:
        return Finding("telegram", "It refuses the token", "Copy it from @BotFather again")
    except TelegramError:
        return Finding(
            "telegram", f"{settings.telegram_api} does not answer", "Check the network of this host"
        )
    return Finding("telegram", f"The token is that of @{name}")


def report(found: list[Finding]) -> str:
    width = max(len(one.name) for one in found)
    lines = []
    for one in found:
        lines.append(f"{'ok ' if one.good else 'BAD'}  {one.name.ljust(width)}  {one.text}")
        if not one.good:
            lines.append(f"     {' ' * width}  -> {one.next_step}")
    return "\n".join(lines)


# ---------------------------------------------------------------- media move


@dataclass(frozen=True, slots=True)
class Route:
    """One of `to` and `away` is an address, the other end is MEDIA_STORE. `clean`: delete there."""

    to: str
    away: str
    options: str
    clean: bool

    @property
    def other(self) -> str:
        return self.to or self.away


async def move(settings: Settings, route: Route, say: Say) -> None:
    """Errors: Refused."""
    data = settings.data_dir.resolve()
    try:
        present, other = _present(settings), open_store(route.other, route.options, data)
    except BadAddress as error:
        raise Refused(f"That is no object store. {error}") from None
    database = Database(settings.database)
    source, target = (present, other) if route.to else (other, present)
    mover = Move(database, source, target, utc_now, in_use=not route.to, told=_progress(say))
    try:
        with _alone(data):
            await _known(database)
            running = bool(route.to) and not _is_stopped(database, data)
            moved = await mover.copy()
            _tell(moved, route.to or settings.media_store, say)
            if route.to:
                say(_what_now(route, settings, running))
            elif route.clean:
                say(f"{await mover.clean():,} objects were deleted from {route.away}.")
    except OSError as error:
        told = error.strerror or str(error)
        raise Refused(f"Stopped: {told}. Nothing is lost; run the same command again.") from None
    except Unavailable:
        raise Refused("The database does not answer. Nothing was moved.") from None
    except ReelayError as error:
        raise Refused(f"{error.message} {error.next_step}") from None
    finally:
        await database.close()


def _present(settings: Settings) -> ObjectStore:
    options = settings.media_store_options.get_secret_value()
    return open_store(settings.media_store, options, settings.data_dir.resolve())


async def _known(database: Database) -> None:
    """Errors: Refused if the database can't say what there is to move."""
    if doctor.is_new(database):
        raise Refused("There is nothing to move yet: this DATA_DIR has no database.")
    finding = await doctor.database(database)
    if not finding.good:
        raise Refused(f"The database: {finding.text}. {finding.next_step}.")


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Two moves at once would take each other's part files. Errors: Refused."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "move.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused("Another move is under way here.") from None
        yield


def _is_stopped(database: Database, data: Path) -> bool:
    """Surely: with PostgreSQL it may run on another machine."""
    if not database.is_sqlite:
        return False
    with (data / "reelay.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _progress(say: Say) -> Callable[[Moved], None]:
    said = -SAID_EVERY

    def told(moved: Moved) -> None:
        nonlocal said
        if time.monotonic() - said >= SAID_EVERY:
            said = time.monotonic()
            say(f"{moved.proved:,} of {moved.total:,} objects, {_size(moved.bytes)}")

    return told


def _tell(moved: Moved, where: str, say: Say) -> None:
    """Errors: Refused if something could not be proved."""
    lines = [
        *(f"  missing in both: {key}" for key in moved.missing[:SHOWN]),
        *(f"  damaged: {key}" for key in moved.damaged[:SHOWN]),
    ]
    for line in lines:
        say(line)
    if moved.damaged:
        raise Refused(
            f"{len(moved.damaged):,} files have other bytes than were imported, and there is no "
            "better copy. Nothing was deleted. Take their posts out of the library, or restore "
            "them from a backup, and run the same command again."
        )
    if moved.missing:
        say(f"{len(moved.missing):,} files were lost before the move: neither store has them.")
    say(
        f"{moved.proved:,} objects, {_size(moved.bytes)}, all proven by digest in {where}; "
        f"{moved.copied:,} of them copied just now."
    )


def _what_now(route: Route, settings: Settings, running: bool) -> str:
    steps = [f"set MEDIA_STORE={route.to} (and its MEDIA_STORE_OPTIONS)", "start Reelay"]
    if running:
        steps = [
            "stop Reelay, wherever it runs",
            "run this command once more: it takes what came meanwhile",
            *steps,
        ]
    steps.append(
        f"when all is well, delete the old files: reelay media move --from {settings.media_store} "
        "--clean-old"
    )
    return "Now:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))


def _size(count: int) -> str:
    return f"{count / 1e9:,.2f} GB" if count >= 10**9 else f"{count / 1e6:,.1f} MB"
