"""Rotation of keys."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from services.accounts.keys import reseal
from storage import connections, meta_accounts, mobile_sessions, webhooks
from storage.database import Database
from storage.vault import CannotOpen, Vault
from tests.support.feeds import a_feed
from tests.support.rows import LEO, MIA, NOW, connection, person

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


async def sealed_with(database: Database, vault: Vault, user_id: int) -> int:
    """A session, a candidate and a phone."""
    await person(database, user_id)
    made = await connection(database, user_id)
    async with database.write() as db:
        await connections.reseal(
            db,
            made.id,
            vault.seal("session", "connections", made.id, "cookies"),
            vault.seal("candidate", "connections", made.id, "candidate"),
        )
        phone = vault.seal("phone", "mobile_sessions", made.id, "settings")
        await mobile_sessions.add(db, made.id, phone, NOW)
    return made.id


async def test_after_a_rotation_the_old_key_is_needed_no_more(database: Database) -> None:
    mine = await sealed_with(database, Vault([OLD]), MIA)
    await sealed_with(database, Vault([NEW]), LEO)
    await connection(database, MIA, "2000")  # without any secret
    assert await reseal(database, Vault([NEW, OLD])) == 6
    new = Vault([NEW])
    async with database.read() as db:
        for connection_id, phone in await mobile_sessions.all_sealed(db):
            opened = new.open(phone, "mobile_sessions", connection_id, "settings")
            assert opened.reveal() == "phone"
        for connection_id, secret, candidate in await connections.all_sealed(db):
            if secret and candidate:
                opened = new.open(secret, "connections", connection_id, "cookies")
                assert opened.reveal() == "session"
                opened = new.open(candidate, "connections", connection_id, "candidate")
                assert opened.reveal() == "candidate"
        assert mine in [row[0] for row in await connections.all_sealed(db)]


async def test_if_one_secret_can_not_be_opened_nothing_is_changed(database: Database) -> None:
    await sealed_with(database, Vault([OLD]), MIA)
    await sealed_with(database, Vault([Fernet.generate_key().decode()]), LEO)
    async with database.read() as db:
        before = await connections.all_sealed(db)
    with pytest.raises(CannotOpen):
        await reseal(database, Vault([NEW, OLD]))
    async with database.read() as db:
        assert await connections.all_sealed(db) == before


async def test_webhooks_are_sealed_anew_too(database: Database) -> None:
    await person(database, MIA)
    feed = await a_feed(database)
    async with database.write() as db:
        hook = await webhooks.put(db, feed.id, form="json", host="hooks.example", now=NOW)
        await webhooks.seal(db, hook, Vault([OLD]).seal("address", "webhooks", hook, "address"))
    assert await reseal(database, Vault([NEW, OLD])) == 1
    async with database.read() as db:
        sealed = await webhooks.sealed(db, hook)
    assert sealed
    assert Vault([NEW]).open(sealed, "webhooks", hook, "address").reveal() == "address"


async def test_tokens_of_meta_are_sealed_anew_too(database: Database) -> None:
    await person(database, MIA)
    old = Vault([OLD])
    async with database.write() as db:
        mine = await meta_accounts.keep(
            db,
            MIA,
            "178",
            NOW,
            username="mia",
            flavour="facebook",
            account_type="BUSINESS",
            scopes=[],
            issued_at=NOW,
            unlimited=True,
        )
        sealed = {
            column: old.seal(word, "meta_accounts", mine.id, word)
            for column, word in (("sealed", "token"), ("spare", "spare"))
        }
        await meta_accounts.change(db, mine.id, **sealed)
    assert await reseal(database, Vault([NEW, OLD])) == 2
    async with database.read() as db:
        both = await meta_accounts.sealed(db, mine.id)
    for one, word in zip(both, ("token", "spare"), strict=True):
        assert one
        assert Vault([NEW]).open(one, "meta_accounts", mine.id, word).reveal() == word
