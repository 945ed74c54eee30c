"""The world is the same for the same seed, holds what it promises, and agrees with itself."""

from __future__ import annotations

import http.cookiejar
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.world import CREATORS, Kind, Post, Trouble, World
from sandbox.world.media_json import Json, media
from sandbox.world.posts import SHORTCODE_ALPHABET
from sandbox.world.world import Cookies, Session


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def file_url(pk: int, variant: str) -> str:
    return f"http://cdn/{pk}/{variant}"


def test_the_seed_decides_everything(world: World) -> None:
    assert World(7).collections == world.collections
    assert World(7).session_id("mia") == world.session_id("mia")
    assert World(8).collections != world.collections
    assert World(8).session_id("mia") != world.session_id("mia")


def test_collections_are_as_promised(world: World) -> None:
    sizes = {(c.owner, c.slug): len(c.posts) for c in world.collections}
    assert sizes == {
        ("mia", "beats"): 24,
        ("mia", "reels-ideas"): 120,
        ("mia", "studio"): 500,
        ("mia", "empty"): 0,
        ("leo", "recipes"): 45,
    }
    troubles = Counter(p.trouble for p in world.collection("mia", "reels-ideas").posts)
    assert troubles[Trouble.GONE_404] + troubles[Trouble.GONE_400] == 7
    assert all(troubles[t] == 1 for t in Trouble if not t.gone)
    studio = world.collection("mia", "studio").posts
    assert sum(post.trouble is not None for post in studio) == 2
    kinds = Counter(post.kind for post in world.posts.values())
    shares = {kind: kinds[kind] / len(world.posts) for kind in Kind}
    assert shares == pytest.approx(
        {Kind.REEL: 0.45, Kind.PHOTO: 0.35, Kind.CAROUSEL: 0.2}, abs=0.05
    )
    assert max(len(post.children) for post in world.posts.values()) == 20
    assert {post.owner for post in studio} == set(CREATORS)
    assert world.collection_url("mia", "beats").startswith(
        "https://www.instagram.com/mia/saved/beats/1790"
    )
    with pytest.raises(KeyError):
        world.collection("leo", "beats")


def test_pk_and_shortcode_agree_and_are_unique(world: World) -> None:
    pks = {piece.pk for post in world.posts.values() for piece in post.pieces}
    assert len(pks) == sum(len(post.pieces) for post in world.posts.values())
    for post in world.posts.values():
        decoded = 0
        for letter in post.code:
            decoded = decoded * 64 + SHORTCODE_ALPHABET.index(letter)
        assert decoded == post.pk
        assert len(post.code) == 11
        assert world.post(post.pk) is post
        assert world.shared(world.share_url(post).rpartition("/")[2]) is post


def test_saved_order_is_not_the_order_of_posting(world: World) -> None:
    times = [post.taken_at for post in world.collection("mia", "studio").posts]
    assert all(time.tzinfo is UTC for time in times)
    assert times != sorted(times)
    assert times != sorted(times, reverse=True)


def test_captions_are_hostile(world: World) -> None:
    captions = {post.caption for post in world.posts.values()}
    for fragment in ("<script>", "\u202e", "👩🏽‍🚀", "אות", "今日"):
        assert any(fragment in caption for caption in captions)
    assert any(caption.startswith("=HYPERLINK") for caption in captions)
    assert any(len(caption) > 1000 for caption in captions)
    assert "" in captions
    assert len({creator.hashtag for creator in CREATORS}) == len(CREATORS) == 12


def items_of(rendered: Json) -> list[Json]:
    children: list[Json] = rendered.get("carousel_media", [rendered])
    return children


def test_media_json_satisfies_both_readers(world: World) -> None:
    """The first picture and the last film are the largest, all have sizes, counts are numbers."""
    for post in world.posts.values():
        rendered = media(post, file_url)
        assert {"pk", "id", "code", "taken_at", "media_type", "user", "caption"} <= set(rendered)
        assert isinstance(rendered["like_count"], int)
        assert rendered["media_type"] == {"photo": 1, "reel": 2, "carousel": 8}[post.kind.value]
        assert ("carousel_media" in rendered) == (post.kind is Kind.CAROUSEL)
        assert len(items_of(rendered)) == len(post.pieces)
        for piece, item in zip(post.pieces, items_of(rendered), strict=True):
            pictures = [c["width"] * c["height"] for c in item["image_versions2"]["candidates"]]
            assert pictures == sorted(pictures, reverse=True)
            assert ("video_versions" in item) == piece.is_film
            films = [v["width"] * v["height"] for v in item.get("video_versions", [])]
            assert films == sorted(films)
            assert not films or item["video_versions"][-1]["url"] == file_url(piece.pk, "film")


def test_every_address_in_the_json_has_a_file(world: World) -> None:
    known: set[tuple[int, str]] = set()

    def note(pk: int, variant: str) -> str:
        known.add((pk, variant))
        return f"{pk}/{variant}"

    posts: list[Post] = list(world.collection("mia", "beats").posts[:4])
    for post in posts:
        media(post, note)
    files = [world.file(pk, variant) for pk, variant in known]
    assert all(files)
    assert len({file.data for file in files if file}) == len(known)  # no two are equal
    assert world.file(posts[0].pk, "nonsense") is None
    assert world.file(1, "full") is None


def test_cookies_are_a_netscape_file(tmp_path: Path) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    world = World(now=lambda: now)
    jar = http.cookiejar.MozillaCookieJar(tmp_path / "cookies.txt")
    (tmp_path / "cookies.txt").write_text(world.cookies_txt("mia"))
    jar.load(ignore_expires=True)
    cookies = {cookie.name: cookie for cookie in jar}
    assert set(cookies) == {"sessionid", "ds_user_id", "csrftoken", "mid"}
    assert {cookie.domain for cookie in jar} == {".instagram.com"}
    assert cookies["sessionid"].value == world.session_id("mia")
    assert cookies["ds_user_id"].value == "70000000001"
    assert cookies["sessionid"].expires == (now + timedelta(days=90)).timestamp()


@pytest.mark.parametrize(
    ("kind", "sessions"),
    [
        ("ok", [Session("leo", 1), Session("leo", 1)]),
        ("new", [Session("leo", 2), Session("leo", 3)]),
        ("dead", [None, None]),
        ("anonymous", [None, None]),
        ("expired", [Session("leo", 1), Session("leo", 1)]),
    ],
)
def test_kinds_of_cookies(kind: Cookies, sessions: list[Session | None]) -> None:
    world = World()
    texts = [world.cookies_txt("leo", session=kind) for _ in sessions]
    values = [text.partition("\tsessionid\t")[2].strip() for text in texts]
    assert [world.session(value) for value in values] == sessions


@pytest.mark.parametrize("made_up", ["", "x", "70000000001%3Aabc%3A1%3AAYx", "1:2:3:4", "::::"])
def test_made_up_sessions_are_none(world: World, made_up: str) -> None:
    assert world.session(made_up) is None
