"""What a suite would pay thousands of times for, and no test is about: paid once.

Fixtures of the whole suite, used by tests/conftest.py. Each replaces something that a running
product does once, too, or that only costs time here.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from aiosqlite.core import Connection
from httpx._transports import default as transports
from sqlalchemy import util
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.base import Engine

BLOCK = ("BEGIN IMMEDIATE", "PRAGMA")  # statements that wait for other connections


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests live to the end: walking them again and again for garbage took a sixth of
    the suite's time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """httpx would read the system's anew for each client, 30 ms every time; a bot has three."""
    with pytest.MonkeyPatch.context() as patch:
        read = functools.cache(transports.create_ssl_context)
        patch.setattr(transports, "create_ssl_context", read)
        yield


@pytest.fixture(scope="session", autouse=True)
def sniffio_is_looked_for_once() -> Iterator[None]:
    """httpcore tries to import it for each lock it makes, several in a request. Nobody brings it
    here, so each try would look through all folders: a quarter of what a request costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sniffio", None)
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_are_compiled_once() -> Iterator[None]:
    """The product compiles a statement once, for it has one engine; here each test has its own.
    The key of what is compiled holds the dialect, so those of SQLite are made equal."""
    dialects = (SQLiteDialect_aiosqlite, SQLiteDialect_pysqlite)
    compiled: dict[type, Any] = {kind: util.LRUCache(5000) for kind in dialects}
    begin = Engine.__init__

    def begin_with_what_is_compiled(engine: Engine, *arguments: Any, **options: Any) -> None:
        begin(engine, *arguments, **options)
        shared = compiled.get(type(engine.dialect))
        if shared is not None:
            engine._compiled_cache = shared

    with pytest.MonkeyPatch.context() as patch:
        for kind in dialects:
            patch.setattr(kind, "__eq__", lambda one, other: type(one) is type(other))
            patch.setattr(kind, "__hash__", lambda one: hash(type(one)))
        patch.setattr(Engine, "__init__", begin_with_what_is_compiled)
        yield


@pytest.fixture(scope="session", autouse=True)
def sqlite_answers_at_once() -> Iterator[None]:
    """aiosqlite hands each call to a thread, five times in a small transaction, which costs more
    than the calls. Here only what may wait for somebody goes there, and what comes behind it; all
    other tasks still get their turn before each statement."""
    in_its_thread = Connection._execute
    waiting: weakref.WeakKeyDictionary[Any, list[None]] = weakref.WeakKeyDictionary()

    async def execute(self: Any, call: Any, *arguments: Any, **options: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        is_sql = bool(arguments) and isinstance(arguments[0], str)
        mine = waiting.setdefault(self, [])
        if mine or (is_sql and arguments[0].startswith(BLOCK)):

            def work() -> Any:
                try:
                    return call(*arguments, **options)
                finally:
                    mine.pop()

            mine.append(None)
            return await in_its_thread(self, work)
        if is_sql:
            await asyncio.sleep(0)
        return call(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "_execute", execute)
        yield
