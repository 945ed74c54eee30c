"""`reelay doctor` and `reelay media move`, as they are typed."""

from __future__ import annotations

import asyncio
import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot import upkeep
from bot.__main__ import main
from services.errors import TokenRefused
from storage.database import Database, sqlite_url
from storage.objects import LocalObjects
from tests.support.bucket import SECRET, Bucket, bucket, moto
from tests.support.films import Archive
from tests.support.harness import Harness
from tests.support.rows import MIA, person

__all__ = ["bucket", "moto"]

Reelay = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path, templates: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(templates / "reelay.db", folder)
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests
    return folder


@pytest.fixture
def reelay(data: Path) -> Reelay:
    def run(*arguments: str, **settings: str) -> Result:
        names = {"DATA_DIR": str(data), **settings}
        return CliRunner().invoke(main, list(arguments), env=names)

    return run


@pytest.fixture
def keys(data: Path) -> list[str]:
    """Object keys of two posts in the data folder's archive."""

    async def fill() -> list[str]:
        database = Database(sqlite_url(data / "reelay.db"))
        await person(database, MIA)
        posts = Archive(database, LocalObjects(data / "media"))
        made = {**await posts.add("p1"), **await posts.add("p2")}
        await database.close()
        return list(made)

    return asyncio.run(fill())


async def test_all_is_well_while_reelay_runs(harness: Harness) -> None:
    await harness.connected()
    found = await upkeep.examine(harness.settings())
    assert [one.text for one in found if not one.good] == []
    assert [one.name for one in found] == [
        "settings",
        "key",
        "database",
        "media",
        "disk",
        "telegram",
        "gallery-dl",
        "public",
        "meta",
        "meta",
        "hosting",
    ]
    texts = {one.name: one.text for one in found}
    assert texts["key"] == "It opens all 1 stored secrets"
    assert texts["telegram"].startswith("The token is that of @")
    assert [one.text for one in found if one.name == "meta"] == [
        "graph.facebook.com answers; it accepts META_APP_ID and META_APP_SECRET",
        "graph.instagram.com answers; INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET show at the first "
        "log-in",
    ]
    assert harness.sandbox.cloudinary.assets == (), "the probe is gone again"


@pytest.mark.parametrize(
    ("setting", "value", "name", "text"),
    [
        ("meta_app_secret", "planted", "meta", "graph.facebook.com refuses META_APP_ID"),
        ("meta_api_version", "v99.0", "meta", "graph.instagram.com does not know this version"),
        ("meta_origin", "http://127.0.0.1:1", "meta", "graph.facebook.com does not answer"),
        ("cloudinary_url", "cloudinary://1:planted@sandbox", "hosting", "refuse"),
        ("cloudinary_api", "http://127.0.0.1:1", "hosting", "could not be put"),
    ],
)
async def test_what_is_wrong_with_meta_is_said_in_plain_words(
    harness: Harness, setting: str, value: str, name: str, text: str
) -> None:
    wrong = harness.settings().model_dump() | {setting: value}
    found = await upkeep.examine(type(harness.settings())(_env_file=None, **wrong))
    bad = [one for one in found if not one.good]
    assert bad
    assert {one.name for one in bad} == {name}
    assert any(text in one.text for one in bad), bad
    secrets = ("planted", harness.sandbox.meta.app.facebook_secret)
    assert not any(secret in upkeep.report(found) for secret in secrets)


async def test_an_account_that_meta_refuses_is_named(harness: Harness) -> None:
    mia = await harness.owner()
    token = harness.sandbox.meta.instagram_token("mia")
    logins = harness.app.meta.logins
    (account,) = await logins.paste(mia.user_id, token)
    kept = (await logins.open(account.id)).token
    await logins.refused(account.id, TokenRefused("It has run out."), kept)
    bad = [one for one in await upkeep.examine(harness.settings()) if not one.good]
    assert [one.text for one in bad] == ["@mia: It has run out."]


async def test_telegram_that_refuses_and_telegram_that_is_away(harness: Harness) -> None:
    wrong = harness.settings().model_dump() | {"telegram_bot_token": "1:planted"}
    refused = await upkeep.examine(type(harness.settings())(_env_file=None, **wrong))
    away = wrong | {"telegram_api": "http://127.0.0.1:1"}
    silent = await upkeep.examine(type(harness.settings())(_env_file=None, **away))
    texts = [one.text for one in (*refused, *silent) if one.name == "telegram"]
    assert texts == ["It refuses the token", "http://127.0.0.1:1 does not answer"]
    assert "planted" not in upkeep.report([*refused, *silent])


def test_the_doctor_says_what_is_bad_and_exits_with_1(reelay: Reelay) -> None:
    result = reelay("doctor", MEDIA_STORE="s3://bucket", MEDIA_STORE_OPTIONS=f'["{SECRET}"]')
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert "BAD  telegram    TELEGRAM_BOT_TOKEN is not set" in lines
    bad = next(n for n, line in enumerate(lines) if line.startswith("BAD  media"))
    assert lines[bad + 1].strip() == "-> Check MEDIA_STORE and MEDIA_STORE_OPTIONS"
    assert SECRET not in result.output


def test_there_and_cleaned(reelay: Reelay, keys: list[str], bucket: Bucket, data: Path) -> None:
    there = reelay("media", "move", "--to", bucket.address, MEDIA_STORE_TO_OPTIONS=bucket.options)
    assert there.exit_code == 0, there.output
    assert f"4 objects, 0.0 MB, all proven by digest in {bucket.address}" in there.output
    assert f"1. set MEDIA_STORE={bucket.address}" in there.output
    assert sorted(bucket.listed()) == sorted(f"reelay/{key}" for key in keys)
    assert (data / "media" / keys[0]).exists()
    now = {"MEDIA_STORE": bucket.address, "MEDIA_STORE_OPTIONS": bucket.options}
    cleaned = reelay("media", "move", "--from", "local", "--clean-old", **now)
    assert cleaned.exit_code == 0, cleaned.output
    assert "4 objects were deleted from local." in cleaned.output
    assert not any((data / "media" / key).exists() for key in keys)
    back = reelay("media", "move", "--to", "local", **now)
    assert back.exit_code == 0, back.output
    assert all((data / "media" / key).exists() for key in keys)


def test_while_reelay_runs_it_says_that_there_is_a_second_time(
    reelay: Reelay, keys: list[str], data: Path
) -> None:
    with (data / "reelay.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = reelay("media", "move", "--to", f"local:{data}/other")
    assert result.exit_code == 0
    assert "1. stop Reelay, wherever it runs" in result.output
    assert "2. run this command once more" in result.output


@pytest.mark.parametrize("to_clean", [False, True])
def test_damage_stops_it_before_anything_is_deleted(
    reelay: Reelay, keys: list[str], data: Path, to_clean: bool
) -> None:
    film = data / "media" / keys[0]
    film.write_bytes(b"other bytes")
    if to_clean:
        result = reelay(
            *("media", "move", "--from", f"local:{data}/media", "--clean-old"),
            MEDIA_STORE=f"local:{data}/other",
        )
    else:
        result = reelay("media", "move", "--to", f"local:{data}/other")
    assert result.exit_code == 1
    assert f"damaged: {keys[0]}" in result.output
    assert "Nothing was deleted" in result.output
    assert all((data / "media" / key).exists() for key in keys)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give one of --to and --from"),
        (("--to", "local", "--from", "local"), "Give one of --to and --from"),
        (("--to", "s3://b", "--clean-old"), "--clean-old needs --from"),
        (("--to", "ftp://b"), "That is no object store. ftp: "),
        (("--to", "local"), "Both addresses mean the same place. Nothing was changed."),
        (("--from", "local", "--clean-old"), "Both addresses mean the same place"),
    ],
)
def test_what_it_refuses(reelay: Reelay, arguments: tuple[str, ...], told: str) -> None:
    result = reelay("media", "move", *arguments)
    assert result.exit_code != 0
    assert told in result.output


def test_one_move_at_a_time(reelay: Reelay, data: Path) -> None:
    with (data / "move.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = reelay("media", "move", "--to", f"local:{data}/other")
    assert result.exit_code == 1
    assert "Another move is under way here." in result.output


def test_without_a_database_nothing_is_made(reelay: Reelay, data: Path) -> None:
    (data / "reelay.db").unlink()
    result = reelay("media", "move", "--to", f"local:{data}/other")
    assert result.exit_code == 1
    assert "There is nothing to move yet" in result.output
    assert not (data / "reelay.db").exists()


def test_a_store_that_is_away_is_told_without_its_keys(reelay: Reelay, keys: list[str]) -> None:
    options = json.loads(Bucket("http://127.0.0.1:1", "b").options)
    result = reelay("media", "move", "--to", "s3://b", "--options", json.dumps(options))
    assert result.exit_code == 1
    assert "the object store can't be reached. Nothing is lost" in result.output
    assert SECRET not in result.output


def test_a_wrong_address_is_told_at_the_start(reelay: Reelay) -> None:
    result = reelay("run", MEDIA_STORE="ftp://host", TELEGRAM_BOT_TOKEN="1:x")
    assert result.exit_code == 1
    assert "MEDIA_STORE: ftp: " in result.output
