"""Is everything that Reelay needs there, and does it work? One finding for each thing.

Called by the command line (bot/upkeep.py), also while Reelay runs: the databases are only read.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from PIL import Image

from services.errors import (
    AppMissing,
    HostingFailed,
    HostingRefused,
    MetaError,
    MetaUnavailable,
    ReelayError,
    RequestRefused,
)
from services.graph.access import Access
from services.graph.public import PublicFiles
from services.graph.public.look import look
from services.graph.wire import Flavour
from services.instagram.gallery_dl import GalleryDl
from services.web.health import LOW_DISK
from storage import connections, meta_accounts, migrate
from storage.database import Database, Unavailable
from storage.meta_accounts import MetaAccount
from storage.objects import ObjectStore, digest, file_digest
from storage.vault import CannotOpen, Vault, load_keys

PROBE_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what was found, `next_step` what to do about it if it is bad."""

    name: str
    text: str
    next_step: str = ""

    @property
    def good(self) -> bool:
        return not self.next_step


async def database(domain: Database) -> Finding:
    if is_new(domain):
        return Finding("database", "There is none yet; the first start makes it")
    try:
        present, newest = await migrate.revisions(domain)
    except Unavailable:
        return Finding(
            "database", "It does not answer", "Check DATABASE_URL, or that DATA_DIR can be written"
        )
    if present != newest:
        return Finding(
            "database",
            f"It is at revision {present or 'none'}, this version needs {newest}",
            "Back up, then run: reelay migrate",
        )
    return Finding("database", f"It answers and is at the newest revision, {newest}")


async def sealing_key(domain: Database, given: str, path: Path) -> Finding:
    """`given` and `path` as in storage.vault.load_keys; never makes a key."""
    vault = _vault(given, path, new=is_new(domain))
    if isinstance(vault, Finding):
        return vault
    try:
        sealed = await _open_all(domain, vault)
    except CannotOpen:
        return Finding("key", "It is not the key of the stored sessions", _RESTORE)
    except Unavailable:
        return Finding("key", "It is there; what it opens could not be read")
    return Finding("key", f"It opens all {sealed} stored secrets")


def _vault(given: str, path: Path, *, new: bool) -> Vault | Finding:
    if not given.strip() and not path.exists():
        if new:
            return Finding("key", "There is none yet; the first start makes it")
        return Finding("key", f"{path.name} is gone: nobody can open the sessions", _RESTORE)
    try:
        vault = Vault(load_keys(given, path))
    except OSError as error:
        return Finding("key", f"{path.name}: {error.strerror}", f"chmod 600 {path}")
    except ValueError:
        return Finding("key", "It is not a sealing key", _RESTORE)
    if not given.strip() and path.stat().st_mode & 0o077:
        return Finding("key", f"Others may read {path.name}", f"chmod 600 {path}")
    return vault


_RESTORE = "Put secret.key (or REELAY_KEYS) back from your backup"


def is_new(domain: Database) -> bool:
    """Asked for first, for SQLite makes a file that it does not find."""
    return domain.is_sqlite and not Path(domain.url.partition("///")[2]).exists()


async def _open_all(domain: Database, vault: Vault) -> int:
    if is_new(domain) or (await migrate.revisions(domain))[0] is None:
        return 0
    async with domain.read() as db:
        rows = [*await connections.all_sealed(db), *await meta_accounts.all_sealed(db)]
    sealed = [one for _, *both in rows for one in both if one]
    for one in sealed:
        vault.rotate(one)
    return len(sealed)


async def media_store(objects: ObjectStore, address: str) -> Finding:
    """Writes, reads and deletes a probe. `address` is shown."""
    key = f"doctor-{secrets.token_hex(8)}"
    try:
        same, gone = await _probe(objects, key)
    except OSError as error:
        told = error.strerror or str(error)
        return Finding("media", f"{address}: {told}", "Check MEDIA_STORE and MEDIA_STORE_OPTIONS")
    if not same or not gone:
        what = "gave other bytes back than it got" if not same else "does not delete"
        return Finding("media", f"{address} {what}", "Ask whoever runs that store; import nothing")
    return Finding("media", f"{address} writes, reads and deletes")


async def _probe(objects: ObjectStore, key: str) -> tuple[bool, bool]:
    """(the same bytes came back, they could be deleted)"""
    part = await objects.part(f"{key}.part")
    try:
        await asyncio.to_thread(part.write_bytes, secrets.token_bytes(PROBE_BYTES))
        wanted = await asyncio.to_thread(file_digest, part)
        try:
            await objects.adopt(part, key)
            same = await digest(objects, key) == wanted
        finally:
            await objects.delete(key)
        return same, await objects.size(key) is None
    finally:
        part.unlink(missing_ok=True)


def gallery_dl() -> Finding:
    try:
        return Finding("gallery-dl", f"Version {GalleryDl.version()}")
    except PackageNotFoundError:
        return Finding("gallery-dl", "It is not installed", "pip install gallery-dl")


async def disk(objects: ObjectStore) -> Finding:
    try:
        free = await objects.free_share()
    except OSError as error:
        return Finding("disk", f"It can't be read: {error.strerror}", "Check DATA_DIR")
    text = f"{free:.0%} is free"
    return Finding("disk", text, "" if free >= LOW_DISK else "Free some, or move the media away")


async def meta(
    domain: Database, access: Access, apps: Collection[Flavour], *, given: bool
) -> list[Finding]:
    """`apps`: the log-ins for which the settings have one. `given`: they have a token, too."""
    accounts: list[MetaAccount] = []
    if not is_new(domain):
        with contextlib.suppress(Unavailable):
            async with domain.read() as db:
                accounts = await meta_accounts.everyones(db)
    used = {*apps, *(Flavour(one.flavour) for one in accounts)} or (set(Flavour) if given else ())
    if not used:
        return [Finding("meta", "Nothing is set up: stories are posted by hand")]
    found = [await _meta(access, flavour, flavour in apps) for flavour in sorted(used)]
    return found + [
        Finding("meta", f"@{one.username}: {one.problem}", "Connect it again: /connect")
        for one in accounts
        if one.problem
    ]


async def _meta(access: Access, flavour: Flavour, has_app: bool) -> Finding:
    host, app = _META[flavour]
    secret = ""
    try:
        await access.reach(flavour)
        if has_app:
            told = await access.check_app(flavour)
            secret = f"; it accepts {app}" if told else f"; {app} show at the first log-in"
    except MetaUnavailable:
        return Finding("meta", f"{host} does not answer", "Check the network of this host")
    except RequestRefused:
        return Finding("meta", f"{host} does not know this version", "Check META_API_VERSION")
    except AppMissing:
        return Finding("meta", f"{host} refuses {app}", f"Copy {app} from Meta's App Dashboard")
    except MetaError as error:
        return Finding("meta", f"{host}: {error.message}", "Try again later")
    return Finding("meta", f"{host} answers{secret}")


_META = {
    Flavour.FACEBOOK: ("graph.facebook.com", "META_APP_ID and META_APP_SECRET"),
    Flavour.INSTAGRAM: ("graph.instagram.com", "INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET"),
}


async def public_files(
    public: PublicFiles | None, http: httpx.AsyncClient, objects: ObjectStore
) -> Finding:
    """Puts a small picture where Meta would fetch it, fetches it back, and deletes it."""
    name = "hosting"
    if public is None:
        return Finding(name, "Meta has nowhere to fetch files: photos are posted by hand")
    part = await objects.part(f"doctor-{secrets.token_hex(8)}.part")
    try:
        size = await asyncio.to_thread(_picture, part)
        copy = await public.put(part, "image/jpeg")
        try:
            await look(http, copy.url, "image/jpeg", size)
        finally:
            await public.delete(copy.id)
    except HostingRefused as error:
        return Finding(name, error.message, "Check CLOUDINARY_URL, or PUBLIC_STORE and its options")
    except HostingFailed as error:
        return Finding(name, error.message, "Check the network, and that the address is public")
    except (ReelayError, OSError) as error:
        return Finding(name, f"It could not be tried: {type(error).__name__}", "Check DATA_DIR")
    finally:
        part.unlink(missing_ok=True)
    return Finding(name, "A picture could be put there, fetched back and deleted")


def _picture(path: Path) -> int:
    Image.new("RGB", (64, 64), "teal").save(path, "JPEG")
    return path.stat().st_size


def public_url(given: str) -> Finding:
    """Its form only: from here nobody can say whether the outside reaches it."""
    if not given:
        return Finding("public", "PUBLIC_URL is not set: files above 50 MB can't be handed out")
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        return Finding(
            "public", f"{given} is no address", "Set PUBLIC_URL to one like https://reelay.example"
        )
    return Finding("public", f"Links begin with {given.rstrip('/')}/downloads/")
