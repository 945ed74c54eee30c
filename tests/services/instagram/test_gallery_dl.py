"""The adapter with the real, unmodified gallery-dl against the stand-in, on its bad days too."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.instagram import web_api
from sandbox.instagram.answers import Refusal
from sandbox.instagram.server import Instagram
from sandbox.world import World
from services.errors import (
    Checkpoint,
    GalleryDlFailed,
    NotFound,
    PostGone,
    RateLimited,
    SessionRefused,
    StorageFailed,
    Unavailable,
    UpstreamChanged,
)
from services.instagram import gallery_dl
from services.instagram.cookies import read_cookies
from services.instagram.gallery_dl import (
    RESOLVE_SHARE_REQUESTS,
    WHOAMI_REQUESTS,
    GalleryDl,
)
from services.instagram.links import find_link
from services.instagram.posts import read_post

WORLD = World()


@pytest.fixture
async def instagram():
    async with Instagram(WORLD) as stand_in:
        yield stand_in


@pytest.fixture
def adapter(instagram, tmp_path):
    return GalleryDl(
        timeout_seconds=60,
        proxy=instagram.proxy_url,
        ca_file=instagram.ca_file,
        scratch=tmp_path / "scratch",
        reports=tmp_path / "reports",
    )


@pytest.fixture
def cookies():
    text = WORLD.cookies_txt("mia")
    return read_cookies(text.encode(), WORLD._now()).netscape()


def url(slug="reels-ideas"):
    return find_link(WORLD.collection_url("mia", slug)).url


async def failure(call):
    with pytest.raises(Exception) as caught:
        await call
    return caught.value


# ------------------------------------------------------------------ good days


async def test_each_page_of_a_collection_costs_one_request(instagram, adapter, cookies):
    codes, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await adapter.list_page(url(), cookies, cursor)
        codes += [read_post(item).shortcode for item in page.items]
        cursor, pages = page.next_cursor, pages + 1
        assert page.requests == 1
        assert instagram.api_requests() == pages
    assert codes == [post.code for post in WORLD.collection("mia", "reels-ideas").posts]
    assert instagram.api_requests("mia") == pages == 6


async def test_all_saved_posts_and_an_empty_collection(adapter, cookies):
    saved = await adapter.list_page(find_link("instagram.com/mia/saved/").url, cookies, None)
    assert [item["code"] for item in saved.items] == [
        post.code for post in WORLD.saved_posts("mia")[: web_api.PAGE_SIZE]
    ]
    empty = await adapter.list_page(url("empty"), cookies, None)
    assert (empty.items, empty.next_cursor, empty.requests) == ((), None, 1)


async def test_an_empty_page_in_mid_list_costs_one_request_too(
    instagram, adapter, cookies, monkeypatch
):
    monkeypatch.setattr(web_api, "PAGE_SIZE", 0)
    page = await adapter.list_page(url(), cookies, None)
    assert page.items == ()
    assert page.next_cursor
    assert instagram.api_requests() == page.requests == 1
    assert type(await failure(adapter.list_page(url(), cookies, page.next_cursor))) is (
        UpstreamChanged
    )


async def test_one_post_anew(instagram, adapter, cookies):
    post = WORLD.collection("mia", "beats").posts[3]
    item = await adapter.read_item(post.code, cookies)
    assert read_post(item).platform_id == str(post.pk)
    assert instagram.api_requests() == gallery_dl.READ_ITEM_REQUESTS


async def test_a_share_link(instagram, adapter, cookies):
    post = WORLD.collection("mia", "beats").posts[3]
    link = find_link(WORLD.share_url(post))
    assert await adapter.resolve_share(link.url, cookies) == post.code
    assert instagram.api_requests() == RESOLVE_SHARE_REQUESTS


async def test_who_am_i(instagram, adapter, cookies):
    assert await adapter.whoami(str(WORLD.person("mia").pk), cookies) == "mia"
    assert instagram.api_requests() == WHOAMI_REQUESTS


def test_the_version_is_named():
    assert GalleryDl.version()[0].isdigit()


# ------------------------------------------------------------------ bad days

VERDICTS = {
    Refusal.LOGIN: SessionRefused,
    Refusal.LOGIN_REQUIRED: SessionRefused,
    Refusal.CHALLENGE: Checkpoint,
    Refusal.CHALLENGE_REQUIRED: Checkpoint,
    Refusal.AUTH_PLATFORM: Checkpoint,
    Refusal.CHECKPOINT: Checkpoint,
    Refusal.FEEDBACK: RateLimited,
    Refusal.PLEASE_WAIT: RateLimited,
    Refusal.RATE_LIMIT: RateLimited,
    Refusal.RATE_LIMIT_BARE: RateLimited,
    Refusal.HOME: UpstreamChanged,
    Refusal.HTML: UpstreamChanged,
    Refusal.GARBAGE: UpstreamChanged,
    Refusal.UNKNOWN_SHAPE: UpstreamChanged,
    Refusal.SERVER_ERROR: Unavailable,
    Refusal.NOT_FOUND: NotFound,
}


@pytest.mark.parametrize("refusal", VERDICTS)
async def test_each_refusal_of_a_list(instagram, adapter, cookies, tmp_path, refusal):
    instagram.refuse_next("/api/", refusal, times=100)
    error = await failure(adapter.list_page(url(), cookies, None))
    assert type(error) is VERDICTS[refusal]
    assert error.subject == url()
    # Redirects are requests too; nothing is ever tried again in here.
    assert error.requests == instagram.api_requests() <= 2
    assert not list((tmp_path / "scratch").iterdir())
    kept = [path.name for path in (tmp_path / "reports").glob("*")]
    assert kept == ([error.report] if isinstance(error, UpstreamChanged) else [])


async def test_a_report_holds_the_answer_and_no_secret(instagram, adapter, cookies, tmp_path):
    instagram.refuse_next("/api/", Refusal.HOME)
    error = await failure(adapter.list_page(url(), cookies, None))
    report = (tmp_path / "reports" / error.report).read_text()
    assert "HTTP redirect to home page" in report
    assert "<title>Instagram</title>" in report
    secrets = [line.split("\t")[6] for line in cookies.splitlines() if line.count("\t") == 6]
    assert len(secrets) == 4
    assert not [secret for secret in (*secrets, "SandboxDtsg") if secret in report]


async def test_gone_posts(instagram, adapter, cookies):
    gone = [p for p in WORLD.collection("mia", "reels-ideas").posts if p.trouble and p.trouble.gone]
    for post in (gone[0], gone[-1]):  # 404 and 400
        error = await failure(adapter.read_item(post.code, cookies))
        assert type(error) is PostGone
        assert error.requests == 1


async def test_a_share_link_that_leads_nowhere(adapter, cookies):
    link = find_link("https://www.instagram.com/share/p/BAnothing123/")
    assert type(await failure(adapter.resolve_share(link.url, cookies))) is PostGone


async def test_a_collection_of_somebody_else(adapter, cookies):
    other = find_link(WORLD.collection_url("leo", "recipes")).url
    assert type(await failure(adapter.list_page(other, cookies, None))) is NotFound


async def test_dead_cookies_are_told_by_the_first_request(instagram, adapter):
    dead = WORLD.cookies_txt("mia", session="dead")
    error = await failure(adapter.whoami(str(WORLD.person("mia").pk), dead))
    assert type(error) is SessionRefused
    assert error.requests == instagram.api_requests() == 2  # the list, the log-in page


async def test_a_refusal_of_the_profile_counts_all_requests(instagram, adapter, cookies):
    instagram.refuse_next("/api/graphql", Refusal.CHECKPOINT)
    error = await failure(adapter.whoami(str(WORLD.person("mia").pk), cookies))
    assert type(error) is Checkpoint
    assert error.requests == instagram.api_requests() == WHOAMI_REQUESTS


async def test_no_proxy_no_instagram(tmp_path, cookies):
    adapter = GalleryDl(
        proxy="http://127.0.0.1:9", scratch=tmp_path / "scratch", reports=tmp_path / "reports"
    )
    assert type(await failure(adapter.list_page(url(), cookies, None))) is Unavailable


# ------------------------------------------------------------------ bad days of the program


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Put a few lines of Python in the place of gallery-dl."""

    def replace(source):
        file = tmp_path / "program.py"
        file.write_text(source)
        monkeypatch.setattr(gallery_dl, "_PROGRAM", (sys.executable, str(file)))
        return GalleryDl(
            timeout_seconds=60, scratch=tmp_path / "scratch", reports=tmp_path / "reports"
        )

    return replace


async def listing(adapter):
    return await adapter.list_page(url(), "cookies", None)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("import os\nwhile True: os.write(1, b'x' * 65536)", "printed without end"),
        ("print('garbage'); raise SystemExit(0)", "failed"),
        ("raise SystemExit(64)", "failed"),
        ("1 / 0", "failed"),
    ],
)
async def test_a_program_that_fails(program, source, said):
    error = await failure(listing(program(source)))
    assert type(error) is GalleryDlFailed
    assert said in error.message
    assert error.report


async def test_a_program_that_hangs_is_ended_with_its_children(program, tmp_path):
    child = tmp_path / "child"
    adapter = program(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(child)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    adapter._timeout_seconds = 2
    error = await failure(listing(adapter))
    assert "did not end within 2 seconds" in error.message
    assert error.requests == 1
    pid = int(child.read_text())
    await until(lambda: has_ended(pid))
    assert not list((tmp_path / "scratch").iterdir())


async def test_a_cancelled_call_leaves_nothing(program, tmp_path):
    child = tmp_path / "child"
    adapter = program(
        f"import os, time\nopen({str(child)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    task = asyncio.create_task(listing(adapter))
    await until(lambda: child.exists() and child.read_text())
    assert list((tmp_path / "scratch").iterdir())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int(child.read_text())
    await until(lambda: has_ended(pid))
    assert not list((tmp_path / "scratch").iterdir())


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.01)


def has_ended(pid):
    """A zombie that init has not buried yet has ended, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_a_page_that_arrived_is_kept_even_if_the_program_dies_then(program):
    adapter = program(
        "import os\n"
        "with open('01_https_www.instagram.com_api_v1_feed_.txt', 'w') as page:\n"
        '    page.write(\'{"items": [{"media": {"pk": 1}}], "more_available": false}\')\n'
        "os.kill(os.getpid(), 11)"
    )
    assert (await listing(adapter)).items == ({"pk": 1},)


async def test_secrets_are_in_private_files_only(program, tmp_path, monkeypatch):
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:planted")
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere.invalid")
    seen = tmp_path / "seen.json"
    adapter = program(
        "import json, os, sys\n"
        "modes = {name: os.stat(name).st_mode for name in ['.', *os.listdir()]}\n"
        "seen = [sys.argv, dict(os.environ), modes, open('cookies.txt').read()]\n"
        f"json.dump(seen, open({str(seen)!r}, 'w'))"
    )
    adapter._proxy = "http://user:proxypassword@127.0.0.1:9"
    error = await failure(adapter.list_page(url(), "planted-cookies", "planted-cursor"))
    arguments, environment, modes, cookies = json.loads(seen.read_text())
    assert cookies == "planted-cookies"
    assert "planted" not in f"{arguments} {environment}"
    assert "proxypassword" not in f"{arguments} {environment} {error.report}"
    assert arguments[-2:] == ["--", url()]
    assert set(environment) <= {"HOME", "PATH", "LANG", "LC_CTYPE"}
    assert stat.S_IMODE(modes.pop(".")) == 0o700
    assert {stat.S_IMODE(mode) for mode in modes.values()} == {0o600}


async def test_a_full_disk_is_a_storage_failure(tmp_path):
    (tmp_path / "file").touch()
    adapter = GalleryDl(scratch=tmp_path / "file" / "scratch", reports=tmp_path)
    assert type(await failure(listing(adapter))) is StorageFailed


def test_sweep_removes_what_a_killed_process_left(tmp_path, cookies):
    """Another process makes a folder with cookies in it and is killed in mid-call."""
    scratch = tmp_path / "scratch"
    source = (
        "import time\nfrom pathlib import Path\nfrom services.instagram.gallery_dl import *\n"
        f"adapter = GalleryDl(scratch=Path({str(scratch)!r}), reports=Path('unused'))\n"
        "with adapter._private_folder() as folder:\n"
        "    (folder / 'cookies.txt').write_text('secret')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"ready\n"
        adapter = GalleryDl(scratch=scratch, reports=tmp_path)
        assert adapter.sweep() == 0
        assert [path.name for path in scratch.glob("*/*")] == ["cookies.txt"]
        other.kill()
        other.wait()
        assert adapter.sweep() == 1
    assert not list(scratch.iterdir())
    with adapter._private_folder() as mine:
        assert adapter.sweep() == 0
        assert os.access(mine, os.W_OK)
