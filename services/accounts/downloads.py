"""Addresses at the side server that serve one stored file for a while.

Called by the capabilities for what is too large for the chat; services.web.downloads serves them.
"""

from __future__ import annotations

from datetime import datetime

from services.tokens import new_token, token_hash
from storage import downloads
from storage.database import Database


async def link_to(
    database: Database, user_id: int, key: str, name: str, *, base: str, expires_at: datetime
) -> str | None:
    """For the object of this key, until then. `base`: of the side server, as it is reached from
    outside; None without one."""
    if not base:
        return None
    token = new_token()
    async with database.write() as db:
        await downloads.add(
            db,
            token_hash=token_hash(token),
            user_id=user_id,
            object_key=key,
            name=name,
            expires_at=expires_at,
        )
    return f"{base.rstrip('/')}/downloads/{token}"
