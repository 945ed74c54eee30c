"""What the doctor finds, with real databases, keys and stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.upkeep import doctor
from services.upkeep.doctor import Finding
from storage import migrate
from storage.database import Database, sqlite_url
from storage.objects import LocalObjects
from storage.vault import Vault
from tests.support.bucket import Bucket, Front
from tests.support.rows import MIA, connection, person


def told(finding: Finding, good: bool, text: str) -> None:
    assert (finding.good, finding.text) == (good, text)


def left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name != ".incoming"]


# ---------------------------------------------------------------- the database


async def test_a_database_at_the_newest_revision(database: Database) -> None:
    finding = await doctor.database(database)
    assert finding.good
    assert "newest revision" in finding.text


async def test_an_old_database(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "reelay.db"))
    migrate.upgrade(database.url, "0001")
    finding = await doctor.database(database)
    assert finding.text.startswith("It is at revision 0001, this version needs 000")
    assert finding.next_step == "Back up, then run: reelay migrate"
    await database.close()


async def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "data" / "reelay.db"))
    told(await doctor.database(database), True, "There is none yet; the first start makes it")
    key = await doctor.sealing_key(database, "", tmp_path / "data" / "secret.key")
    told(key, True, "There is none yet; the first start makes it")
    assert left(tmp_path) == []
    await database.close()


async def test_a_database_that_does_not_answer() -> None:
    database = Database("postgresql+psycopg://reelay:planted@127.0.0.1:1/x")
    finding = await doctor.database(database)
    told(finding, False, "It does not answer")
    assert "planted" not in str(finding)
    await database.close()


# ---------------------------------------------------------------- the key


@pytest.fixture
async def sealed(database: Database) -> str:
    """The key with which the one stored session is sealed."""
    key = Fernet.generate_key().decode()
    await person(database, MIA)
    await connection(database, secret=Vault([key]).seal("cookies", "connections", 1, "cookies"))
    return key


async def test_the_right_key(database: Database, sealed: str, tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text(f"{Fernet.generate_key().decode()}\n{sealed}\n")
    path.chmod(0o600)
    told(await doctor.sealing_key(database, "", path), True, "It opens all 1 stored secrets")
    told(await doctor.sealing_key(database, sealed, path), True, "It opens all 1 stored secrets")


async def test_wrong_keys(database: Database, sealed: str, tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    gone = await doctor.sealing_key(database, "", path)
    told(gone, False, "secret.key is gone: nobody can open the sessions")
    other = Fernet.generate_key().decode()
    told(
        await doctor.sealing_key(database, other, path),
        False,
        "It is not the key of the stored sessions",
    )
    garbage = await doctor.sealing_key(database, "planted-garbage", path)
    told(garbage, False, "It is not a sealing key")
    assert "planted" not in str(garbage)
    path.write_text(sealed)
    path.chmod(0o644)
    told(await doctor.sealing_key(database, "", path), False, "Others may read secret.key")


# ---------------------------------------------------------------- the store


async def test_a_folder_is_probed_and_left_as_it_was(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path / "media")
    told(await doctor.media_store(objects, "local"), True, "local writes, reads and deletes")
    assert left(tmp_path) == [tmp_path / "media"]


async def test_a_bucket_is_probed(bucket: Bucket, tmp_path: Path) -> None:
    finding = await doctor.media_store(bucket.store(tmp_path), "s3://x")
    told(finding, True, "s3://x writes, reads and deletes")
    assert bucket.listed() == []


async def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    finding = await doctor.media_store(LocalObjects(tmp_path / "media"), "local")
    told(finding, False, "local: Not a directory")


async def test_a_bucket_that_refuses(front: Front, tmp_path: Path) -> None:
    front.status = 403
    finding = await doctor.media_store(front.bucket.store(tmp_path), "s3://x")
    told(finding, False, "s3://x: the object store refuses the keys that it was given")


@pytest.mark.parametrize(
    ("lie", "text"),
    [("read", "s3://x gave other bytes back than it got"), ("delete", "s3://x does not delete")],
)
async def test_a_store_that_lies(tmp_path: Path, lie: str, text: str) -> None:
    class Lying(LocalObjects):
        async def adopt(self, part: Path, key: str) -> None:
            await super().adopt(part, key)
            if lie == "read":
                self.path(key).write_bytes(b"other")

        async def delete(self, key: str) -> None:
            if lie != "delete":
                await super().delete(key)

    told(await doctor.media_store(Lying(tmp_path / "media"), "s3://x"), False, text)


# ---------------------------------------------------------------- the rest


async def test_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = LocalObjects(tmp_path)

    async def almost_full() -> float:
        return 0.04

    monkeypatch.setattr(objects, "free_share", almost_full)
    told(await doctor.disk(objects), False, "4% is free")


@pytest.mark.parametrize(
    ("given", "good"),
    [
        ("", True),
        ("https://reelay.example", True),
        ("http://192.168.1.7:8080/", True),
        ("https://example.org/reelay", True),
        ("reelay.example", False),
        ("ftp://reelay.example", False),
        ("https://", False),
        ("https://reelay.example/?x=1", False),
    ],
)
def test_the_public_address(given: str, good: bool) -> None:
    assert doctor.public_url(given).good is good
