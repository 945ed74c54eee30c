"""A PostgreSQL server for tests: a given one, or a throw-away one of Debian's packages.

`REELAY_TEST_POSTGRES` names the maintenance database of a server whose role may create databases.
Without it, and with Debian's postgresql installed, a server is started in a private folder on
loopback and removed at the end. Without either, the tests that ask for one are skipped, and the
last lines of the run say so once.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from storage import migrate
from storage.tables import metadata

GIVEN = "REELAY_TEST_POSTGRES"
PACKAGES = Path("/usr/lib/postgresql")
WHY_SKIPPED = f"PostgreSQL half skipped: {GIVEN} is not set and {PACKAGES}/*/bin holds no server"
_OF_JOBS = """
    select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'dbos'
    and tablename not in ('dbos_migrations', 'queues', 'application_versions')
"""
_COUNT_FROM_ONE = """
    select setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) from pg_sequences
    where schemaname in ('public', 'dbos') and last_value is not null
"""
_skipped: list[str] = []


class Postgres:
    """`maintenance`: a postgresql+psycopg:// URL."""

    def __init__(self, maintenance: str) -> None:
        self.maintenance = maintenance
        self._prefix = f"reelay_test_{os.getpid()}"
        self._made = 0
        self._shared: str | None = None

    def fresh(self) -> str:
        """The URL of a new database without tables; `drop` it."""
        self._made += 1
        name = f"{self._prefix}_{self._made}"
        self._run(f'create database "{name}" template template0')
        return f"{self.maintenance.rpartition('/')[0]}/{name}"

    def emptied(self) -> str:
        """The URL of the one migrated database of this session, without rows."""
        if self._shared is None:
            self._shared = self.fresh()
            migrate.upgrade(self._shared)
        with psycopg.connect(self._shared.replace("+psycopg", ""), autocommit=True) as connection:
            # TRUNCATE makes new files for each of sixty tables, which takes 80 ms
            names = [table.name for table in reversed(metadata.sorted_tables)]
            names += [name for (name,) in connection.execute(_OF_JOBS)]
            deletes = "; ".join(f"delete from {name}" for name in names)
            connection.execute(f"begin; {deletes}; commit")  # type: ignore[call-overload]
            connection.execute(_COUNT_FROM_ONE)
        return self._shared

    def drop(self, url: str) -> None:
        self._run(f'drop database if exists "{url.rpartition("/")[2]}" with (force)')

    def close(self) -> None:
        if self._shared:
            self.drop(self._shared)

    def _run(self, statement: str) -> None:
        url = self.maintenance.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        if server is None:
            _skipped.append(WHY_SKIPPED)
            pytest.skip(WHY_SKIPPED)
        yield server


@contextmanager
def running() -> Iterator[Postgres | None]:
    """The given server, or a throw-away one for the length of the block; None: there is neither."""
    given, programs = os.environ.get(GIVEN), _programs()
    if given:
        server = Postgres(given)
        try:
            yield server
        finally:
            server.close()
    elif programs:
        yield from _throw_away(programs)
    else:
        yield None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A hook: tests/conftest.py imports it."""
    for line in set(_skipped):
        terminalreporter.write_line(line, yellow=True)


def _programs() -> Path | None:
    """The folder of the newest installed version."""
    for folder in sorted(PACKAGES.glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _throw_away(programs: Path) -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="reelay-postgres-"))
    # INT stops the server even if this process is killed and can't do it itself
    become = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:  # as root it would refuse to run
        user = _unprivileged()
        os.chown(folder, user.pw_uid, user.pw_gid)
        become += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    data, port = folder / "data", _free_port()
    initdb = [programs / "initdb", "--pgdata", data, "--username=reelay", "--auth=trust"]
    initdb += ["--no-sync", "--encoding=UTF8"]
    server = [programs / "postgres", "-D", data, "-p", str(port), "-k", folder]
    server += ["-c", "listen_addresses=127.0.0.1", *_options()]
    maintenance = f"postgresql+psycopg://reelay@127.0.0.1:{port}/postgres"
    try:
        with (folder / "log").open("w") as log:
            streams: Any = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            subprocess.run([*become, *initdb], check=True, cwd=folder, timeout=60, **streams)
            process = subprocess.Popen([*become, *server], cwd=folder, **streams)
        try:
            _wait(maintenance, process)
            yield Postgres(maintenance)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing in it is worth keeping
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options() -> Iterator[str]:
    """Off: nothing in it is worth keeping."""
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        yield from ("-c", f"{name}=off")


def _wait(maintenance: str, process: subprocess.Popen[bytes]) -> None:
    """Until it answers, at most 60 s."""
    ends = monotonic() + 60
    while process.poll() is None:
        try:
            psycopg.connect(maintenance.replace("+psycopg", "")).close()
            return
        except psycopg.OperationalError:
            if monotonic() > ends:
                raise
            sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: exit code {process.returncode}")


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
