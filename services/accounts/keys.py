"""Rotation of the keys that seal secrets. Called by the command line while nothing else runs."""

from __future__ import annotations

from storage import connections
from storage.database import Database
from storage.vault import Vault


async def reseal(database: Database, vault: Vault) -> int:
    """Seals every secret with the newest key, in one transaction. Returns how many.

    Errors: CannotOpen if one was sealed with a key that is not here; nothing is changed then.
    """
    count = 0
    async with database.write() as db:
        for connection_id, *sealed in await connections.all_sealed(db):
            secret, candidate = (vault.rotate(one) if one else None for one in sealed)
            await connections.reseal(db, connection_id, secret, candidate)
            count += bool(secret) + bool(candidate)
    await database.close()
    return count
