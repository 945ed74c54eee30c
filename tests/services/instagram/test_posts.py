"""Reading Instagram's media JSON: the kinds of posts, what may be missing, and what may not."""

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.instagram.posts import (
    MediaSource,
    UnreadablePost,
    items_of,
    read_post,
    shortcode_of,
)
from tests.services.instagram.examples import EXAMPLES

PK = 3_750_000_000_000_000_000
CODE = shortcode_of(PK)
PHOTO = {
    "pk": PK,
    "id": f"{PK}_42",
    "code": CODE,
    "taken_at": 1_790_000_000,
    "media_type": 1,
    "user": {"pk": "42", "username": "noor"},
    "caption": {"text": "Sea #beach"},
    "image_versions2": {
        "candidates": [
            {"url": "https://a.cdninstagram.com/small.jpg", "width": 320, "height": 400},
            {"url": "https://a.cdninstagram.com/large.jpg", "width": 1080, "height": 1350},
        ]
    },
}
VIDEO = {
    **PHOTO,
    "media_type": 2,
    "video_versions": [
        {"url": "https://a.cdninstagram.com/480.mp4", "width": 480, "height": 854},
        {"url": "https://a.cdninstagram.com/720.mp4", "width": 720, "height": 1280},
        {"url": "https://a.cdninstagram.com/720b.mp4", "width": 720, "height": 1280},
    ],
}
CAROUSEL = {
    **PHOTO,
    "media_type": 8,
    "carousel_media": [
        {"pk": 1, "image_versions2": PHOTO["image_versions2"]},
        {"pk": 2, "video_versions": VIDEO["video_versions"], "media_type": 2},
    ],
}


def without(item, *keys):
    return {key: value for key, value in item.items() if key not in keys}


def test_a_photo():
    post = read_post(PHOTO)
    assert (post.platform_id, post.shortcode, post.kind) == (str(PK), CODE, "photo")
    assert (post.author_id, post.author, post.caption) == ("42", "noor", "Sea #beach")
    assert post.taken_at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    url = "https://a.cdninstagram.com/large.jpg"
    assert post.media == (MediaSource(1, "image", url, 1080, 1350),)
    assert post.raw is PHOTO


def test_a_film_is_the_largest_version_and_the_last_of_equals():
    url = "https://a.cdninstagram.com/720b.mp4"
    assert read_post(VIDEO).media == (MediaSource(1, "video", url, 720, 1280),)
    assert read_post(VIDEO).kind == "video"
    backwards = {**VIDEO, "video_versions": VIDEO["video_versions"][::-1][1:]}
    assert read_post(backwards).media[0].url == "https://a.cdninstagram.com/720.mp4"


def test_a_carousel_keeps_its_order():
    post = read_post(CAROUSEL)
    assert post.kind == "carousel"
    assert [(m.position, m.kind) for m in post.media] == [(1, "image"), (2, "video")]


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"caption": None}, "caption", ""),
        ({"caption": "plain"}, "caption", "plain"),
        ({"caption": {"text": "a\0b\ud800c"}}, "caption", "ab?c"),
        ({"user": None}, "author", ""),
        ({"user": {"id": 42, "username": "noor"}}, "author_id", "42"),
        ({"pk": str(PK)}, "platform_id", str(PK)),
        ({"pk": None}, "platform_id", str(PK)),
        ({"code": None}, "shortcode", CODE),
        ({"taken_at": "1790000000"}, "taken_at", datetime.fromtimestamp(1_790_000_000, UTC)),
        ({"taken_at": None, "created_at": 1}, "taken_at", datetime.fromtimestamp(1, UTC)),
        ({"carousel_media": []}, "kind", "photo"),
    ],
)
def test_what_may_be_missing_or_of_another_type(change, field, expected):
    assert getattr(read_post({**PHOTO, **change}), field) == expected


def test_sizes_may_be_missing():
    item = {**PHOTO, "image_versions2": {"candidates": [{"url": "https://a.b/x.jpg"}]}}
    assert read_post(item).media == (MediaSource(1, "image", "https://a.b/x.jpg", 0, 0),)


@pytest.mark.parametrize(
    "item",
    [
        without(PHOTO, "image_versions2"),
        without(PHOTO, "taken_at"),
        without(PHOTO, "pk", "id"),
        without(VIDEO, "video_versions"),
        {**PHOTO, "taken_at": 10**15},
        {**PHOTO, "image_versions2": {"candidates": [{"url": "ftp://a.b/x.jpg"}]}},
        {**PHOTO, "image_versions2": {"candidates": [{"url": "https://a.b/\nx.jpg"}]}},
        {**CAROUSEL, "carousel_media": [*CAROUSEL["carousel_media"], {"pk": 3}]},
        {**CAROUSEL, "carousel_media": CAROUSEL["carousel_media"] * 60},
        {**CAROUSEL, "carousel_media": [None]},
        {},
    ],
)
def test_what_can_not_be_read_says_which_post_it_was(item):
    with pytest.raises(UnreadablePost) as caught:
        read_post(item)
    assert caught.value.what
    if "code" in item:
        assert caught.value.shortcode == CODE
    if "pk" in item:
        assert caught.value.platform_id == str(PK)


def test_shortcodes():
    assert shortcode_of(0) == ""
    assert shortcode_of(1) == "B"
    assert shortcode_of(64**10) == "B" + "A" * 10


def test_lists_wrap_their_posts_and_lose_none():
    page = {"items": [{"media": PHOTO}, VIDEO, None, {"media": None}]}
    assert items_of(page) == [PHOTO, VIDEO, {}, {}]


@pytest.mark.parametrize("page", [None, [], {}, {"items": None}, {"items": {}}, "items"])
def test_an_answer_without_posts(page):
    with pytest.raises(UnreadablePost):
        items_of(page)


# ------------------------------------------------------------------ properties

_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value, path=()):
    """The path of every value inside a JSON value, itself excluded."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


BASES = [PHOTO, VIDEO, CAROUSEL]
SPOILS = [(base, place) for base in BASES for place in places(base)]


@given(st.lists(st.tuples(st.sampled_from(SPOILS), _json), min_size=1, max_size=3))
@EXAMPLES
def test_a_spoiled_item_is_read_or_unreadable(spoils):
    base = spoils[0][0][0]
    item = copy.deepcopy(base)
    for (_, place), junk in spoils:
        inner = item
        try:
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = junk
        except (TypeError, KeyError, IndexError):
            continue  # an earlier spoil removed this place
    check(item)


@given(_json)
@EXAMPLES
def test_any_json_is_a_list_of_posts_or_unreadable(page):
    try:
        items = items_of(page)
    except UnreadablePost:
        return
    for item in items:
        check(item)


def check(item):
    try:
        post = read_post(item)
    except UnreadablePost:
        return
    assert post.platform_id.isdigit()
    assert post.shortcode
    assert post.media
    assert post.taken_at.tzinfo is UTC
    assert [media.position for media in post.media] == list(range(1, len(post.media) + 1))
    (post.caption + post.author).encode()
