"""The readers of a person's feeds: each has a token of its own, so each can be taken away.

Called by bot/feed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import segno

from services.clock import Now
from services.errors import BadInput, NotAllowed
from services.tokens import new_token, token_hash
from storage import feeds, readers
from storage.database import Database
from storage.readers import Reader

MAX_READERS = 50
NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Opened:
    """A reader with its address, which is known now and never again."""

    reader: Reader
    address: str  # of the RSS feed
    archive: str  # of the page for people


class Readers:
    """`base`: the side server's address from outside, such as https://reelay.example; it may be
    set later, where the port is not known before the server listens."""

    def __init__(self, database: Database, now: Now, *, base: str) -> None:
        self._database = database
        self._now = now
        self.base = base

    async def of_user(self, user_id: int) -> list[Reader]:
        async with self._database.read() as db:
            return await readers.of_user(db, user_id)

    async def add(self, user_id: int, feed_id: int, name: str) -> Opened:
        """Errors: BadInput, NotAllowed."""
        name = " ".join(name.split())[:NAME_LENGTH]
        if not name:
            raise BadInput("A reader needs a name.", "Send one, such as: Feedly, or phone.")
        token = new_token()
        async with self._database.write() as db:
            feed = await feeds.get(db, feed_id)
            if feed is None or feed.user_id != user_id:
                raise NotAllowed("That feed is not yours.", "Open /feed.")
            if len(await readers.of_user(db, user_id)) >= MAX_READERS:
                raise BadInput(
                    f"You have {MAX_READERS} readers already.", "Revoke one that is not used."
                )
            reader = await readers.add(
                db, user_id, feed_id, name=name, token_hash=token_hash(token), now=self._now()
            )
        return self._opened(reader, token)

    async def rotate(self, user_id: int, reader_id: int) -> Opened:
        """A new address; the old one, and the pictures in what was read by it, stop at once.
        Errors: NotAllowed."""
        token = new_token()
        async with self._database.write() as db:
            reader = await readers.rotate(db, user_id, reader_id, token_hash=token_hash(token))
        if reader is None:
            raise NotAllowed("That reader is gone.", "Open /feed.")
        return self._opened(reader, token)

    async def revoke(self, user_id: int, reader_id: int) -> None:
        """Errors: NotAllowed."""
        async with self._database.write() as db:
            if not await readers.revoke(db, user_id, reader_id, self._now()):
                raise NotAllowed("That reader is gone.", "Open /feed.")

    async def known(self, user_id: int, token: str) -> Opened:
        """The reader that a token belongs to, for whoever has been shown it. Errors: NotAllowed."""
        async with self._database.read() as db:
            found = await readers.by_token(db, token_hash(token))
            theirs = await readers.of_user(db, user_id)
        for reader in theirs:
            if found and reader.id == found[0]:
                return self._opened(reader, token)
        raise NotAllowed("That address opens nothing any more.", "Open /feed.")

    def _opened(self, reader: Reader, token: str) -> Opened:
        archive = f"{self.base.rstrip('/')}/f/{token}/"
        return Opened(reader, f"{archive}feed.xml", archive)


def qr_code(address: str) -> bytes:
    """A PNG that a phone can read from a screen."""
    image = io.BytesIO()
    segno.make(address, error="m", micro=False).save(image, kind="png", scale=8, border=4)
    return image.getvalue()
