"""Every kind of link that is imported, every spelling of it, and every kind that is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import BadLink
from services.instagram.links import Link, LinkKind, find_link
from tests.services.instagram.examples import EXAMPLES

CODE = "DQlipGnh6EC"
NUMBER = "17900000000015838"
COLLECTION = f"https://www.instagram.com/mia/saved/reels-ideas/{NUMBER}/"
SAVED = "https://www.instagram.com/mia/saved/"
POST = f"https://www.instagram.com/p/{CODE}/"


def mistake(text: str) -> BadLink:
    with pytest.raises(BadLink) as caught:
        find_link(text)
    return caught.value


def test_a_named_collection():
    assert find_link(COLLECTION) == Link(
        LinkKind.COLLECTION, "mia", "reels-ideas", NUMBER, None, COLLECTION
    )
    assert find_link(COLLECTION).key == f"collection:{NUMBER}"
    assert find_link(COLLECTION).title == "Reels ideas"


@pytest.mark.parametrize(
    "path", ["saved", "saved/", "saved/all-posts", "saved/all-posts/", "saved/?hl=en"]
)
def test_all_saved_posts(path):
    link = find_link(f"https://www.instagram.com/mia/{path}")
    assert link == Link(LinkKind.SAVED, "mia", None, None, None, SAVED)
    assert (link.key, link.title) == ("saved", "All saved posts")


@pytest.mark.parametrize(
    "path",
    [
        f"p/{CODE}/",
        f"reel/{CODE}",
        f"reels/{CODE}/",
        f"tv/{CODE}",
        f"mia/p/{CODE}/",
        f"mia/reel/{CODE}/",
        f"p/{CODE}/?img_index=2",
        f"p/{CODE}/comments/",
        f"p/{CODE}{'x' * 28}/",
    ],
)
def test_a_post(path):
    link = find_link(f"https://www.instagram.com/{path}")
    assert link == Link(LinkKind.POST, None, None, None, CODE, POST)
    assert (link.key, link.title) == (f"post:{CODE}", f"Post {CODE}")


@pytest.mark.parametrize("kind", ["", "p/", "reel/"])
def test_a_share_link(kind):
    link = find_link(f"https://www.instagram.com/share/{kind}BAxyz_12-3?igsh=abc")
    assert link.kind is LinkKind.SHARE
    assert link.url == f"https://www.instagram.com/share/{kind}BAxyz_12-3/"
    assert link.key == "share:BAxyz_12-3"


@pytest.mark.parametrize(
    "text",
    [
        COLLECTION.rstrip("/"),
        COLLECTION.replace("https://www.", ""),
        COLLECTION.replace("https://", ""),
        COLLECTION.replace("https://www.", "http://m."),
        COLLECTION.replace("https://www.instagram.com", "HTTPS://WWW.Instagram.COM"),
        COLLECTION.replace("www.instagram.com", "www.instagram.com:443"),
        COLLECTION.replace("www.instagram.com", "instagr.am"),
        COLLECTION + "?utm_source=ig_web_copy_link&igsh=MzRlODBiNWFlZA==",
        COLLECTION + "#top",
        COLLECTION.replace("/mia/", "/MIA/"),
        f"look at this: {COLLECTION}, please!",
        f"<{COLLECTION}>",
        f"[my ideas]({COLLECTION})",
        f"Link:{COLLECTION}",
        f"first\nhttps://example.org/x\n{COLLECTION}",
        f"{COLLECTION}\n{POST}",
    ],
)
def test_spellings_of_the_same_link(text):
    assert find_link(text) == find_link(COLLECTION)


def test_a_name_in_another_script():
    number = f"/{NUMBER}/"
    escaped = "%D0%B8%D0%B4%D0%B5%D0%B8-%F0%9F%8E%AC"
    typed = find_link(f"instagram.com/mia/saved/идеи-🎬{number}")
    assert typed == find_link(f"instagram.com/mia/saved/{escaped}{number}")
    assert typed.url == f"https://www.instagram.com/mia/saved/{escaped}{number}"
    assert typed.title == "Идеи 🎬"


def test_a_name_without_letters_still_has_a_title():
    assert find_link(f"instagram.com/mia/saved/_/{NUMBER}").title == f"Collection {NUMBER}"


MISTAKES = {
    "nothing": ("hello there, 1.5/2 e.g. this", "no link"),
    "empty": ("", "no link"),
    "front page": ("https://www.instagram.com/?hl=en", "front page"),
    "profile": ("instagram.com/mia/", "profile of mia"),
    "profile tab": ("https://www.instagram.com/mia/reels/", "profile of mia"),
    "sound": ("https://www.instagram.com/reels/audio/123456789/", "page of a sound"),
    "sound of a user": ("https://www.instagram.com/mia/audio/123/", "page of a sound"),
    "story": ("https://www.instagram.com/stories/mia/3500000000000000000/", "a story"),
    "highlight": ("https://www.instagram.com/stories/highlights/179/", "a highlight"),
    "shared highlight": ("https://www.instagram.com/s/aGlnaGxpZ2h0OjE3OQ", "a highlight"),
    "hashtag": ("https://www.instagram.com/explore/tags/beach/", "hashtag page"),
    "inbox": ("https://www.instagram.com/direct/inbox/", "holds no post"),
    "log-in": ("https://www.instagram.com/accounts/login/?next=%2Fmia%2Fsaved", "holds no post"),
    "reels tab": ("https://www.instagram.com/reels/", "holds no post"),
    "cut off": ("https://www.instagram.com/mia/saved/reels-ideas/", "cut off"),
    "damaged number": ("https://www.instagram.com/mia/saved/reels-ideas/12ab/", "damaged"),
    "damaged code": ("https://www.instagram.com/p/abc$def/", "link of a post is damaged"),
    "damaged share": ("https://www.instagram.com/share/p/%20/", "share link is damaged"),
    "unknown": ("https://www.instagram.com/mia/shop/1/", "don't know that kind"),
    "TikTok": ("https://vm.tiktok.com/ZM123/", "TikTok"),
    "TikTok bare": ("tiktok.com/@mia/video/1", "TikTok"),
    "another site": ("https://www.pinterest.com/pin/1/", "www.pinterest.com"),
    "help pages": ("https://help.instagram.com/1/", "holds no post"),
    "lookalike": ("https://instagram.com.evil.example/p/DQlipGnh6EC/", "evil.example"),
    "hidden host": ("https://www.instagram.com@evil.example/p/DQlipGnh6EC/", "evil.example"),
    "suffix": ("https://notinstagram.com/p/DQlipGnh6EC/", "notinstagram.com"),
    "no host": ("https:///p/DQlipGnh6EC/", "can't read"),
    "not a host": ("https://instagram.com℀/p/DQlipGnh6EC/", "can't read"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_not_imported_is_named(name):
    text, message = MISTAKES[name]
    error = mistake(text)
    assert message in error.message
    assert error.next_step


def test_the_first_link_decides_what_is_said():
    assert "TikTok" in mistake("https://tiktok.com/@a/video/1 and https://example.org/").message


@pytest.mark.parametrize(
    "evil", ["-oproxy=evil", "--exec=rm", "..", "%2e%2e", "a%2Fb", "a%00b", "%0a"]
)
def test_nothing_that_a_shell_or_a_path_could_misread_gets_through(evil):
    for template in ("p/{}", "share/{}", "share/p/{}", "mia/saved/{}/1", "{}/saved/x/1"):
        assert mistake(f"https://www.instagram.com/{template.format(evil)}/")


def test_a_code_that_looks_like_an_option_stays_inside_its_address():
    assert find_link("instagram.com/p/--exec-it/").url == "https://www.instagram.com/p/--exec-it/"


CANONICAL = re.compile(
    r"https://www\.instagram\.com/(?:"
    r"[a-z0-9._]{1,30}/saved/|"
    r"[a-z0-9._]{1,30}/saved/[A-Za-z0-9._~%-]+/[0-9]{5,25}/|"
    r"p/[A-Za-z0-9_-]{5,14}/|"
    r"share/(?:(?:p|reel|reels|tv)/)?[A-Za-z0-9_-]{5,40}/)"
)
_piece = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["p", "reel", "reels", "tv", "saved", "share", "audio", "stories", "mia", NUMBER, CODE]
    ),
    st.from_regex(r"[A-Za-z0-9%_.-]{1,45}", fullmatch=True),
)
_urls = st.builds(
    lambda scheme, host, path, tail: scheme + host + "/" + "/".join(path) + tail,
    st.sampled_from(["", "https://", "http://", "HTTPS://", "x:"]),
    st.sampled_from(["instagram.com", "www.instagram.com", "m.Instagram.com", "a.b", "[::", "@"]),
    st.lists(_piece, max_size=5),
    st.one_of(st.just(""), st.text(max_size=8)),
)


@given(
    st.one_of(st.text(max_size=300), st.lists(st.one_of(_urls, st.text(max_size=9))).map(" ".join))
)
@EXAMPLES
def test_any_text_gives_a_canonical_link_or_bad_link(text):
    try:
        link = find_link(text)
    except BadLink:
        return
    assert CANONICAL.fullmatch(link.url)
    assert len(link.key) <= 64
    assert link.title
    assert link.title.isprintable()
    assert find_link(link.url) == link


def test_a_long_text_takes_no_time():
    assert mistake("a-" * 500_000)
    assert mistake("http://" * 100_000)
    assert mistake("a." * 500_000 + "/")
