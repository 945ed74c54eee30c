"""Secrets at rest, and where their keys come from."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from storage.vault import CannotOpen, Secret, Vault, add_key, load_keys

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
PLACE = ("connections", 7, "cookies")


class TestSeal:
    @given(st.text())
    def test_what_was_sealed_comes_back(self, value: str) -> None:
        vault = Vault([OLD])
        sealed = vault.seal(value, *PLACE)
        assert vault.open(sealed, *PLACE).reveal() == value
        assert value == "" or len(value) < 4 or value.encode() not in sealed

    @pytest.mark.parametrize(
        "place",
        [
            ("connections", 8, "cookies"),
            ("connections", 7, "candidate"),
            ("tokens", 7, "cookies"),
            ("connections", 7),
            ("connections", 7, "cookies", ""),
            ("connections7", "cookies"),
        ],
    )
    def test_it_opens_in_no_other_place(self, place: tuple[str | int, ...]) -> None:
        vault = Vault([OLD])
        with pytest.raises(CannotOpen, match="another place"):
            vault.open(vault.seal("x", *PLACE), *place)

    @given(st.integers(0, 10_000), st.integers(1, 255))
    def test_a_changed_byte_is_noticed(self, where: int, change: int) -> None:
        vault = Vault([OLD])
        sealed = bytearray(vault.seal("sessionid", *PLACE))
        sealed[where % len(sealed)] ^= change
        with pytest.raises(CannotOpen):
            vault.open(bytes(sealed), *PLACE)

    def test_another_key_opens_nothing(self) -> None:
        with pytest.raises(CannotOpen, match="no key"):
            Vault([NEW]).open(Vault([OLD]).seal("x", *PLACE), *PLACE)

    def test_a_vault_without_a_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="key"):
            Vault([])


class TestRotation:
    def test_the_newest_key_seals_and_all_of_them_open(self) -> None:
        old = Vault([OLD]).seal("x", *PLACE)
        both = Vault([NEW, OLD])
        assert both.open(old, *PLACE) == Secret("x")
        assert Vault([NEW]).open(both.seal("x", *PLACE), *PLACE) == Secret("x")

    def test_what_was_rotated_needs_the_old_key_no_more_and_keeps_its_place(self) -> None:
        rotated = Vault([NEW, OLD]).rotate(Vault([OLD]).seal("x", *PLACE))
        assert Vault([NEW]).open(rotated, *PLACE) == Secret("x")
        with pytest.raises(CannotOpen):
            Vault([NEW]).open(rotated, "connections", 8, "cookies")

    def test_what_no_key_opens_is_not_rotated(self) -> None:
        with pytest.raises(CannotOpen):
            Vault([NEW]).rotate(Vault([OLD]).seal("x", *PLACE))

    def test_derived_codes_differ_by_purpose_and_survive_a_rotation(self) -> None:
        vault = Vault([OLD])
        assert len(vault.derive("claim")) == 10
        assert vault.derive("claim").isalnum()
        assert vault.derive("claim") != vault.derive("feed")
        assert Vault([NEW, OLD]).derive("claim") == vault.derive("claim")
        assert Vault([NEW]).derive("claim") != vault.derive("claim")


def test_a_secret_never_prints() -> None:
    secret = Secret("hunter2-session")
    shown = f"{secret} {secret!r} {[secret]} {{'a': {secret}}} %s" % secret
    assert "hunter2" not in shown
    assert not hasattr(secret, "__dict__")
    assert secret == Secret("hunter2-session")
    assert secret != Secret("other")
    assert secret != "hunter2-session"
    assert hash(secret) == hash(Secret("hunter2-session"))


class TestKeys:
    def test_the_first_start_makes_a_private_file_and_later_ones_read_it(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "data" / "secret.key"
        previous = os.umask(0)
        try:
            (key,) = load_keys("", path)
        finally:
            os.umask(previous)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_keys("", path) == [key]
        assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
        Vault([key])

    def test_given_keys_win_and_nothing_is_written(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.key"
        assert load_keys(f" {NEW} , {OLD},", path) == [NEW, OLD]
        assert not path.exists()

    def test_first_starts_at_once_agree_on_one_key(self, tmp_path: Path) -> None:
        """Of containers on one volume: each may have the same process id."""
        path, together = tmp_path / "secret.key", Barrier(8)

        def start(_: int) -> tuple[str, ...]:
            together.wait(10)
            return tuple(load_keys("", path))

        with ThreadPoolExecutor(8) as pool:
            seen = set(pool.map(start, range(8)))
        assert seen == {tuple(load_keys("", path))}
        assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]

    def test_a_new_key_goes_in_front(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.key"
        (first,) = load_keys("", path)
        add_key(path)
        newest, old = load_keys("", path)
        assert (old, newest != first) == (first, True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
