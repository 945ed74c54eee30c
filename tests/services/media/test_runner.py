"""The runner: every way in which a task can end is a stated outcome, and ends only that task."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.media import runner as module
from services.media.runner import MediaFailed, MediaRunner
from services.media.task import TASKS

Program = Callable[[str], MediaRunner]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    """A runner whose task is this program: argv[1] is the task, stdin its arguments."""

    def make(source: str) -> MediaRunner:
        monkeypatch.setattr(module, "_PROGRAM", (sys.executable, "-S", "-c", source))
        return MediaRunner()

    return make


async def outcome(runner: MediaRunner, limit_seconds: float = 30) -> str:
    with pytest.raises(MediaFailed) as caught:
        await runner.run("sample", {"source": "x"}, limit_seconds=limit_seconds)
    return caught.value.reason


def alive(pid: int) -> bool:
    """Neither gone nor a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def pid_in(path: Path) -> int:
    async with asyncio.timeout(30):
        while not (pid := _read(path)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    return int(pid)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def test_the_answer_comes_back(program: Program) -> None:
    runner = program("import json,sys; print(json.dumps({'result': json.load(sys.stdin)}))")
    assert await runner.run("sample", {"source": "a", "n": 1}) == {"source": "a", "n": 1}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('print(\'{"failed": "not_media"}\')', "not_media"),
        ("", "crashed"),
        ("import sys; sys.exit(1)", "crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "timeout"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGALRM)", "timeout"),
        ("print('no JSON')", "crashed"),
        ("print('5')", "crashed"),
        ("print('[]')", "crashed"),
        ("print('{}')", "crashed"),
        ("print('{\"result\": 5}')", "crashed"),
        ("print('{\"failed\": [1]}')", "crashed"),
        ("print('[' * 100_000)", "crashed"),
        ("print('{\"result\": {')", "crashed"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe\\0')", "crashed"),
    ],
)
async def test_every_other_end_is_a_reason(program: Program, source: str, reason: str) -> None:
    assert await outcome(program(source)) == reason


async def test_endless_output_is_cut_off(program: Program) -> None:
    """... long before it has filled anybody's memory."""
    assert await outcome(program("while True: print('x' * 100_000)")) == "crashed"


async def test_output_that_goes_on_after_the_end_holds_nobody_up(program: Program) -> None:
    """A pipe left full is never seen to close, and its task would have kept its place for ever."""
    runner = program(
        "import os\n"
        "if os.fork() == 0:\n"
        "    os.setsid()  # so that it outlives the kill\n"
        "for _ in range(20): print('x' * 100_000)"
    )
    async with asyncio.timeout(30):
        assert await outcome(runner) == "crashed"


async def test_a_hang_is_killed_with_all_that_it_started(program: Program, tmp_path: Path) -> None:
    started = tmp_path / "pid"
    runner = program(
        "import subprocess, sys, time, os\n"
        "child = subprocess.Popen(['sleep', '99'])\n"
        f"open({str(started)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(99)"
    )
    assert await outcome(runner, limit_seconds=1.5) == "timeout"
    pid = await pid_in(started)
    async with asyncio.timeout(10):
        while alive(pid):  # noqa: ASYNC110 - its parent is init now
            await asyncio.sleep(0.01)


async def test_a_cancelled_task_is_killed_and_its_place_is_free(
    program: Program, tmp_path: Path
) -> None:
    started = tmp_path / "pid"
    program(f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(99)")
    runner = MediaRunner(at_once=1)
    running = asyncio.create_task(runner.run("sample", {}))
    pid = await pid_in(started)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not alive(pid)
    program("print('{\"result\": {}}')")
    assert await runner.run("sample", {}) == {}


async def test_no_more_run_at_once_than_allowed(program: Program, tmp_path: Path) -> None:
    """Each waits for the sign; the second comes only after the first has gone."""
    runner = program(
        "import json, os, pathlib, sys, time\n"
        "folder = pathlib.Path(json.load(sys.stdin)['folder'])\n"
        "(folder / str(os.getpid())).write_text('')\n"
        "while not (folder / 'go').exists(): time.sleep(0.01)\n"
        "print(json.dumps({'result': {'here': len(list(folder.glob('[0-9]*')))}}))\n"
        "(folder / str(os.getpid())).unlink()"
    )
    runner._slots = asyncio.Semaphore(1)
    tasks = [asyncio.create_task(runner.run("x", {"folder": str(tmp_path)})) for _ in range(3)]
    async with asyncio.timeout(30):
        while not os.listdir(tmp_path):  # noqa: ASYNC110, PTH208 - another process
            await asyncio.sleep(0.01)
    (tmp_path / "go").write_text("")
    assert [answer["here"] for answer in await asyncio.gather(*tasks)] == [1, 1, 1]


async def test_a_child_inherits_no_secret(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "secret")
    runner = program("import json, os; print(json.dumps({'result': dict(os.environ)}))")
    given = await runner.run("x", {})
    assert set(given) - {"LC_CTYPE"} == {"PATH", "LANG", "PYTHONPATH"}


# ---------------------------------------------------------------- the real task


async def test_the_parent_decodes_nothing_and_the_child_has_its_limits(tmp_path: Path) -> None:
    """Neither decoder nor numpy is ever imported beside the runner."""
    probe = (
        "import asyncio, sys\n"
        "from services.media import fingerprint, fitting, story\n"
        "from services.media.runner import MediaFailed, MediaRunner\n"
        "async def main():\n"
        "    try: await MediaRunner().run('photo', {'source': sys.argv[1], 'thumbnail': 'x'})\n"
        "    except MediaFailed as failed: print(failed.reason)\n"
        "asyncio.run(main())\n"
        "print(sorted({'av', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    (tmp_path / "photo").write_bytes(b"no picture")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", probe, str(tmp_path / "photo")), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().split("\n") == ["not_media", "[]", ""]


LIMITED = """
import json, os, resource, sys
from services.media import task
def probe(source):
    if source == "memory":
        bytearray(task.MEMORY)
    if source == "error":
        raise IndexError("from a decoder")
    names = ("AS", "CPU", "FSIZE", "NOFILE", "CORE")
    limits = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0] for name in names}
    return {**limits, "nice": os.nice(0), "threads": os.environ["OPENBLAS_NUM_THREADS"]}
task.TASKS["probe"] = probe
task.main()
"""


@pytest.fixture
def limited(program: Program, monkeypatch: pytest.MonkeyPatch) -> MediaRunner:
    """The real task program, with a task more that looks at itself."""
    return program(LIMITED)


async def test_limits_are_set_before_anything_is_read(limited: MediaRunner) -> None:
    before = os.nice(0)
    limits = await limited.run("probe", {"source": ""})
    assert limits["nice"] == min(19, before + 10)
    assert limits["threads"] == "1"
    assert 0 < limits["AS"] <= 1 << 30
    assert 0 < limits["CPU"] <= 120
    assert 0 < limits["FSIZE"] <= 1 << 30
    assert 0 < limits["NOFILE"] <= 64
    assert limits["CORE"] == 0


async def test_fitting_a_story_may_take_longer_than_anything_else(program: Program) -> None:
    """... in bounds."""
    more = "task.LIMITS['probe'] = task.LIMITS['fit_story']\ntask.main()"
    limits = await program(LIMITED.replace("task.main()", more)).run("probe", {"source": ""})
    assert 1 << 30 < limits["AS"] <= 4 << 30
    assert 600 <= limits["CPU"] <= 3600
    assert 0 < limits["FSIZE"] <= 1 << 30


async def test_what_wants_too_much_memory_says_so(limited: MediaRunner) -> None:
    with pytest.raises(MediaFailed) as caught:
        await limited.run("probe", {"source": "memory"})
    assert caught.value.reason == "memory"


async def test_an_error_that_nobody_expected_is_a_crash(limited: MediaRunner) -> None:
    with pytest.raises(MediaFailed) as caught:
        await limited.run("probe", {"source": "error"})
    assert caught.value.reason == "crashed"


async def test_a_real_task_converts(tmp_path: Path) -> None:
    """Through the whole program once; what it makes is proved in the other modules."""
    assert set(TASKS) == {"sample", "photo", "convert", "fit_story", "read_story", "chart"}
    wav = tmp_path / "in.wav"
    header = b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x22\x56\0\0\x44\xac\0\0\2\0\x10\0data"
    wav.write_bytes(header + b"\0\x10\0\0" + b"\0\x40\0\xc0" * 1024)
    arguments = {"source": str(wav), "target": str(tmp_path / "out.mp3"), "kind": "mp3"}
    made = await MediaRunner().run("convert", arguments)
    assert made["bytes"] == (tmp_path / "out.mp3").stat().st_size > 500
