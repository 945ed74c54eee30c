"""The object store: media bytes by key. A local folder, or a bucket at S3, R2, Google or Azure.

Called by services.importing, services.accounts (export, deletion), services.web (downloads) and
services.upkeep (doctor, move). Blocking work runs in threads. Errors: OSError (disk full, no
permission, the store refuses), KeyError for a key that leads out of the store, FileNotFoundError
where something is read that is not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

Result = TypeVar("Result")

CHUNK = 1 << 20
FETCH = 4 * CHUNK  # of a bucket with one request
TRIES = 3
UPLOADS = 4  # pieces of 5 MB of one file that are under way at once
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_RETRY: Any = {"max_retries": TRIES - 1, "retry_timeout": timedelta(seconds=60)}


class BadAddress(ValueError):
    """No store can be opened so; the text is for the operator and holds no secret."""


class ObjectStore(Protocol):
    """A key such as "instagram/3900…/17-1-1.mp4" names an object: there whole, or not at all."""

    incoming: Path  # part files, on this machine

    async def folder(self) -> Path:
        """`incoming`, which is there then."""

    async def part(self, name: str) -> Path:
        """The path of a part file of this name; its folder is there."""

    async def parts(self, prefix: str) -> list[Path]:
        """The part files whose names begin so, of work under way or left behind."""

    async def sweep(self, before: datetime) -> None:
        """Removes part files, and folders of them, that nothing has touched since then: whoever
        made them was killed. What an import has begun is then fetched anew."""

    async def free_share(self) -> float:
        """Share of this machine's disk that is free, 0 to 1."""

    async def adopt(self, part: Path, key: str) -> None:
        """Moves a finished part file into the store. When it returns, or raises, nothing happens
        any more, also if it was cancelled."""

    async def delete(self, key: str) -> None:
        """No error if it is not there."""

    async def size(self, key: str) -> int | None:
        """Bytes, None if it is not there."""

    def local(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The object as a file on this machine, for as long as the block lasts."""

    def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to and without `end`, in pieces of at most CHUNK."""


def open_store(address: str, options: str, data: Path) -> ObjectStore:
    """`address`: "local", "local:/folder", or a URL such as s3://bucket/prefix, gs://…, az://….

    `options`: JSON for the bucket, such as {"endpoint": "https://…", "access_key_id": "…"}; what is
    not given is read from the provider's own environment variables. Errors: BadAddress.
    """
    kind, _, rest = address.partition(":")
    if kind == "local":
        return LocalObjects(Path(rest) if rest else data / "media")
    try:
        given = json.loads(options or "{}")
    except json.JSONDecodeError:
        raise BadAddress("the options are not JSON") from None
    if not isinstance(given, dict):
        raise BadAddress('the options are not a JSON object such as {"region": "auto"}')
    try:
        return RemoteObjects(address, given, data / "incoming")
    except (ValueError, BaseError) as error:
        told = str(error).partition("\n")[0]  # below it is a dump of the library's own objects
        raise BadAddress(f"{kind}: {told}") from None


async def digest(store: ObjectStore, key: str) -> str:
    """SHA-256 of the stored bytes, in hex. Errors: FileNotFoundError."""
    size = await store.size(key)
    if size is None:
        raise FileNotFoundError(key)
    hashed = hashlib.sha256()
    async for piece in store.read(key, 0, size):
        hashed.update(piece)
    return hashed.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file on this machine, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Awaits it to its end even if the caller is cancelled meanwhile, and only then lets go.

    For what can't be taken back half-way: a move in a thread, a commit that is on its way.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # its caller goes already: taken here, so that nobody else need
        raise


class _Incoming:
    """Where files lie on this machine before they are objects."""

    def __init__(self, incoming: Path) -> None:
        self.incoming = incoming

    async def folder(self) -> Path:
        await asyncio.to_thread(self.incoming.mkdir, parents=True, exist_ok=True)
        return self.incoming

    async def part(self, name: str) -> Path:
        return await self.folder() / name

    async def parts(self, prefix: str) -> list[Path]:
        return await asyncio.to_thread(lambda: list(self.incoming.glob(f"{prefix}*")))

    async def sweep(self, before: datetime) -> None:
        await asyncio.to_thread(self._sweep, before.timestamp())

    def _sweep(self, before: float) -> None:
        for left in self.incoming.glob("*"):
            with contextlib.suppress(OSError):  # its owner has just finished, or it is not ours
                if left.stat().st_mtime >= before:
                    continue
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()

    async def free_share(self) -> float:
        usage = await asyncio.to_thread(shutil.disk_usage, await self.folder())
        return usage.free / usage.total


class LocalObjects(_Incoming):
    """Files below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        super().__init__(self.root / ".incoming")  # on the same disk: adopting is a rename

    def path(self, key: str) -> Path:
        """Where the object lies. Errors: KeyError if the key would leave the store."""
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root) or path == self.root:
            raise KeyError(key)
        return path

    async def adopt(self, part: Path, key: str) -> None:
        await to_the_end(asyncio.to_thread(self._adopt, part, self.path(key)))

    @staticmethod
    def _adopt(part: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)

    async def delete(self, key: str) -> None:
        path = self.path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def size(self, key: str) -> int | None:
        path = self.path(key)
        if not await asyncio.to_thread(path.is_file):
            return None
        return (await asyncio.to_thread(path.stat)).st_size

    @contextlib.asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        path = self.path(key)
        if not await asyncio.to_thread(path.is_file):
            raise FileNotFoundError(key)
        yield path

    async def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        file, piece = await asyncio.to_thread(self._begin, key, start, min(CHUNK, end - start))
        with file:
            while piece:
                yield piece
                start += len(piece)
                if start >= end:
                    return
                piece = await asyncio.to_thread(file.read, min(CHUNK, end - start))

    def _begin(self, key: str, start: int, length: int) -> tuple[BinaryIO, bytes]:
        """An open file with its first piece: most are read with one turn in a thread."""
        file = self.path(key).open("rb")
        try:
            file.seek(start)
            return file, file.read(length)
        except BaseException:
            file.close()
            raise


class RemoteObjects(_Incoming):
    """A bucket, through obstore, which tries each request three times.

    What was put is read back and compared by digest. Buckets keep what a killed upload has left:
    they have a rule of their own against that (docs/guide.md).
    """

    def __init__(self, address: str, options: dict[str, str], incoming: Path) -> None:
        super().__init__(incoming)
        plain = any(str(value).startswith("http://") for value in options.values())
        configured: Any = {"config": options} if options else {}
        self._store: Any = from_url(
            address, client_options={"allow_http": plain}, retry_config=_RETRY, **configured
        )

    async def adopt(self, part: Path, key: str) -> None:
        await to_the_end(self._adopt(part, _checked(key)))

    async def _adopt(self, part: Path, key: str) -> None:
        wanted = await asyncio.to_thread(file_digest, part)
        for _ in range(TRIES):
            with _plainly(key):
                await obstore.put_async(self._store, key, part, max_concurrency=UPLOADS)
            if await digest(self, key) == wanted:
                await asyncio.to_thread(part.unlink)
                return
        await self.delete(key)  # whole, or not at all
        raise OSError(f"the object store gave {key} back with other bytes, {TRIES} times")

    async def share(self, file: Path, key: str, mime: str, lifetime: timedelta) -> str:
        """Puts a copy of the file; returns an address at which anybody may GET it for so long, at
        most 7 days. The type goes with it: whoever fetches it looks at that."""
        try:
            with _plainly(_checked(key)):
                address: str = await obstore.sign_async(self._store, "GET", key, lifetime)
        except ValueError:  # a kind of store that has no signatures
            raise OSError("the object store can't sign addresses") from None
        attributes: Any = {"Content-Type": mime}
        with _plainly(key):
            await obstore.put_async(
                self._store, key, file, attributes=attributes, max_concurrency=UPLOADS
            )
        return address

    async def older(self, prefix: str, before: datetime) -> list[str]:
        """The keys below the prefix, a folder, that were last written before then."""
        with _plainly(_checked(prefix)):
            return [
                str(entry["path"])
                async for page in obstore.list(self._store, prefix)
                for entry in page
                if entry["last_modified"] < before
            ]

    async def delete(self, key: str) -> None:
        with contextlib.suppress(FileNotFoundError), _plainly(key):
            await obstore.delete_async(self._store, _checked(key))

    async def size(self, key: str) -> int | None:
        try:
            with _plainly(key):
                return int((await obstore.head_async(self._store, _checked(key)))["size"])
        except FileNotFoundError:
            return None

    @contextlib.asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        size = await self.size(key)
        if size is None:
            raise FileNotFoundError(key)
        copy = await self.part(f"local-{os.urandom(8).hex()}{Path(key).suffix}")
        try:
            with await asyncio.to_thread(copy.open, "wb") as file:
                async for piece in self.read(key, 0, size):
                    await asyncio.to_thread(file.write, piece)
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    async def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        while start < end:
            stop = min(start + FETCH, end)
            with _plainly(key):
                fetched = bytes(
                    await obstore.get_range_async(self._store, _checked(key), start=start, end=stop)
                )
            start = stop
            for at in range(0, len(fetched), CHUNK):
                yield fetched[at : at + CHUNK]


def _checked(key: str) -> str:
    """Errors: KeyError for anything but plain names between slashes."""
    if not _KEY.fullmatch(key):
        raise KeyError(key)
    return key


@contextlib.contextmanager
def _plainly(key: str) -> Iterator[None]:
    """obstore's errors as OSError, in words of ours: its own texts hold addresses and answers."""
    try:
        yield
    except (BaseError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of this machine's disk
        said = str(error)
        if "NoSuchBucket" not in said and isinstance(error, FileNotFoundError | NotFoundError):
            raise FileNotFoundError(key) from None
        raise OSError(f"the object store {_complaint(said)}") from None


def _complaint(said: str) -> str:
    """What is wrong, from the text of obstore's error."""
    if "NoSuchBucket" in said or "ContainerNotFound" in said:
        return "knows no such bucket"
    if "169.254." in said or "metadata.google" in said:  # where a machine of theirs finds its keys
        return "needs keys, and none were found"
    if "scheme is not allowed" in said:
        return "has a plain http endpoint, which only MEDIA_STORE_OPTIONS may name"
    status = re.search(r"status code: (\d{3})", said)
    if status and status[1] in ("401", "403"):
        return "refuses the keys that it was given"
    if status:
        return f"answered {status[1]}"
    if "error sending request" in said or "imed out" in said:
        return "can't be reached"
    return "failed"
