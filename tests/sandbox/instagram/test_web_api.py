"""The unmodified gallery-dl reads the stand-in's lists, posts, profiles and share links."""

from __future__ import annotations

from sandbox.instagram import Instagram
from sandbox.instagram.web_api import PAGE_SIZE
from sandbox.world import PRIVATE, Kind, Post, Sound, Trouble
from tests.sandbox.instagram.conftest import GalleryDl

ONE_POST = ("-o", "max-posts=1")


def find(posts: tuple[Post, ...], kind: Kind, **facts: object) -> Post:
    """The first sound post of this kind whose first piece has these facts."""
    return next(
        post
        for post in posts
        if post.kind is kind
        and post.trouble is None
        and all(getattr(post.pieces[0], name) == value for name, value in facts.items())
    )


async def test_walking_a_collection_by_cursor_costs_one_request_a_page(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    collection = instagram.world.collection("mia", "reels-ideas")
    url = instagram.world.collection_url("mia", "reels-ideas")
    codes: list[str] = []
    cursors: list[str] = []
    while True:
        before = instagram.api_requests("mia")
        at = ("-o", f"cursor={cursors[-1]}") if cursors else ()
        run = await gallery_dl(url, *ONE_POST, *at)
        assert run.exit_code == 0, run.log
        assert instagram.api_requests("mia") == before + 1
        codes += [item["media"]["code"] for item in run.answer["items"]]
        assert run.answer["more_available"] == ("next_max_id" in run.answer)
        if not run.answer["more_available"]:
            break
        assert len(run.answer["items"]) == PAGE_SIZE
        cursors.append(run.answer["next_max_id"])
    assert codes == [post.code for post in collection.posts]
    assert all(cursor.startswith("QVFE") for cursor in cursors)
    assert len(set(cursors)) == 5


async def test_every_field_of_a_collection_arrives(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    collection = instagram.world.collection("leo", "recipes")
    run = await gallery_dl(
        instagram.world.collection_url("leo", "recipes"),
        cookies=instagram.world.cookies_txt("leo"),
    )
    assert run.exit_code == 0, run.log
    assert instagram.api_requests("leo") == 3
    for post, line in zip(collection.posts, run.posts, strict=True):
        assert line["post_shortcode"] == post.code
        assert line["post_id"] == str(post.pk)
        assert line["username"] == post.owner.username
        assert line["description"] == post.caption
        assert line["date"] == post.taken_at.strftime("%Y-%m-%d %H:%M:%S")
    files = [
        (str(piece.pk), instagram.file_url(piece.pk, "film" if piece.is_film else "full"))
        for post in collection.posts
        for piece in post.pieces
    ]
    assert [(line["media_id"], line["file_url"]) for line in run.files] == files


async def test_saved_posts_are_the_collections_together(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    run = await gallery_dl(instagram.world.collection_url("mia", "all-posts"), *ONE_POST)
    assert run.exit_code == 0, run.log
    listed = [item["media"]["code"] for item in run.answer["items"]]
    saved = instagram.world.saved_posts("mia")
    assert listed == [post.code for post in saved[:PAGE_SIZE]]
    assert len(saved) == 24 + 120 + 500


async def test_an_empty_collection_is_one_page_without_posts(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    run = await gallery_dl(instagram.world.collection_url("mia", "empty"))
    assert (run.exit_code, run.posts) == (0, [])
    assert run.answer["more_available"] is False


async def test_a_cursor_of_another_list_is_refused(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    first = await gallery_dl(instagram.world.collection_url("mia", "studio"), *ONE_POST)
    cursor = first.answer["next_max_id"]
    run = await gallery_dl(instagram.world.collection_url("mia", "beats"), "-o", f"cursor={cursor}")
    assert run.exit_code == 4
    assert "400 Bad Request" in run.errors[0]


async def test_single_posts_of_each_kind(instagram: Instagram, gallery_dl: GalleryDl) -> None:
    posts = instagram.world.collection("mia", "studio").posts
    silent = find(posts, Kind.REEL, sound=Sound.NONE)
    run = await gallery_dl(silent.url)
    assert run.exit_code == 0, run.log
    assert run.posts[0]["type"] == "reel"
    assert run.posts[0]["post_url"] == silent.url
    assert run.files[0]["video_url"] == instagram.file_url(silent.pk, "film")

    own_sound = next(post for post in posts if post.track and post.track.number % 2 == 0)
    run = await gallery_dl(own_sound.url)
    assert own_sound.track is not None
    # gallery-dl counts a creator's own sound as a second file, and the reel then as a post
    assert (run.posts[0]["type"], run.posts[0]["count"]) == ("post", 2)
    assert run.posts[0]["audio_title"] == own_sound.track.title

    carousel = max(instagram.world.posts.values(), key=lambda post: len(post.pieces))
    run = await gallery_dl(f"https://www.instagram.com/p/{carousel.code}/")
    assert len(run.files) == len(carousel.children) == 20
    assert {line["sidecar_shortcode"] for line in run.files} == {carousel.code}
    assert instagram.api_requests("mia") == 3


async def test_gone_and_private_posts_are_not_found(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    posts = instagram.world.collection("mia", "reels-ideas").posts
    for trouble, status in ((Trouble.GONE_404, "404"), (Trouble.GONE_400, "400")):
        gone = next(post for post in posts if post.trouble is trouble)
        run = await gallery_dl(gone.url)
        assert run.exit_code == 4
        assert status in run.errors[0]
        assert run.answer["message"] == "Media not found or unavailable"
    private = await gallery_dl(instagram.world.posts_by(PRIVATE.username)[0].url)
    assert (private.exit_code, private.answer["status"]) == (4, "fail")


async def test_a_share_link_leads_to_its_post(instagram: Instagram, gallery_dl: GalleryDl) -> None:
    post = instagram.world.collection("leo", "recipes").posts[0]
    run = await gallery_dl(instagram.world.share_url(post))
    assert run.exit_code == 0, run.log
    assert run.posts[0]["post_shortcode"] == post.code
    assert [r.method for r in instagram.requests] == ["HEAD", "GET"]


async def test_profiles_by_name_and_by_number(instagram: Instagram, gallery_dl: GalleryDl) -> None:
    run = await gallery_dl("https://www.instagram.com/clay.and.co/info/")
    assert run.exit_code == 0, run.log
    assert run.posts[0]["full_name"] == "Clay & Co"
    scripts = [r for r in instagram.requests if not r.to_application]
    assert len(scripts) == 1
    assert instagram.api_requests("mia") == 2

    run = await gallery_dl(f"https://www.instagram.com/id:{PRIVATE.pk}/info/")
    assert run.posts[0]["username"] == PRIVATE.username
    assert run.posts[0]["is_private"] is True


async def test_unknown_profiles(instagram: Instagram, gallery_dl: GalleryDl) -> None:
    by_name = await gallery_dl("https://www.instagram.com/nobody.here/info/")
    assert by_name.exit_code & 4  # and a bug of 1.32.18 on top
    by_number = await gallery_dl("https://www.instagram.com/id:12345/info/")
    assert by_number.exit_code == 4
    assert "user could not be found" in by_number.errors[0]


async def test_a_collection_of_somebody_else_does_not_exist(
    instagram: Instagram, gallery_dl: GalleryDl
) -> None:
    run = await gallery_dl(instagram.world.collection_url("leo", "recipes"))
    assert run.exit_code == 4
    assert "404 Not Found" in run.errors[0]
