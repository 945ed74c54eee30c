"""Rotation of the keys that seal secrets. Called by the command line while nothing else runs."""

from __future__ import annotations

from storage import connections, logins, meta_accounts, mobile_sessions, webhooks
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
        for login_id, *sealed in await logins.all_sealed(db):
            secret, phone = (vault.rotate(one) if one else None for one in sealed)
            await logins.reseal(db, login_id, secret, phone)
            count += bool(secret) + bool(phone)
        for connection_id, settings in await mobile_sessions.all_sealed(db):
            await mobile_sessions.reseal(db, connection_id, vault.rotate(settings))
            count += 1
        for webhook_id, address in await webhooks.all_sealed(db):
            await webhooks.seal(db, webhook_id, vault.rotate(address))
            count += 1
        for meta_id, *sealed in await meta_accounts.all_sealed(db):
            token, spare = (vault.rotate(one) if one else None for one in sealed)
            await meta_accounts.change(db, meta_id, sealed=token, spare=spare)
            count += bool(token) + bool(spare)
    await database.close()
    return count
