"""Reads profiles and pages of reels as the mobile API tells them, item by item.

Pure. Called by the mobile adapter. Which marks there are was found in public reports: a reel that
hides its likes says `like_and_view_counts_disabled` and gives 3, or -1, for their number
(instaloader#1314, zeeschuimer#45); a profile with an age limit has `gating` (mgp25's #3107).
"""

from __future__ import annotations

from typing import Any

from services.errors import ProfileGated
from services.instagram.mobile_timeline import Unparsed
from services.instagram.posts import Item, UnreadablePost, clean_text, hashtags, items_of, read_head
from services.instagram.profiles import Audio, Profile, Reel, ReelPage, mentions

PAGE_SIZE = 12  # what the app asks for
_MOST = 1 << 62  # beyond it no count is one, and no database holds it
_LONGEST_SECONDS = 86_400


def read_profile(content: Any) -> Profile:
    """Raises UnreadablePost if the answer holds no account; ProfileGated where all but the name is
    kept back."""
    user = content.get("user") if isinstance(content, dict) else None
    if not isinstance(user, dict):
        raise UnreadablePost("an answer without an account")
    number, username = str(user.get("pk") or user.get("id")), clean_text(user.get("username"))
    if not (number.isascii() and number.isdecimal() and len(number) <= 20 and username):
        raise UnreadablePost("an account without a number or a name")
    if user.get("gating"):
        raise ProfileGated(subject=username)
    return Profile(
        platform_id=number,
        username=username,
        full_name=clean_text(user.get("full_name")),
        biography=clean_text(user.get("biography")),
        followers=_count(user.get("follower_count")),
        following=_count(user.get("following_count")),
        media_count=_count(user.get("media_count")),
        is_private=bool(user.get("is_private")),
        is_verified=bool(user.get("is_verified")),
        picture=_picture(user),
        raw=user,
    )


def read_reels(content: Any, cursor: str | None) -> ReelPage:
    """`cursor` asked for this page. Raises UnreadablePost if the answer is no page of reels, or
    says that more follow and not where: a list that is cut must not look like its end."""
    items = items_of(content)
    reels: list[Reel] = []
    unread: list[Unparsed] = []
    for item in items:
        try:
            reels.append(read_reel(item))
        except UnreadablePost as odd:
            unread.append(Unparsed(odd.platform_id, odd.what, item))
    nothing = not items and cursor is None and "paging_info" not in content
    following = None if nothing else _next(content, cursor)
    return ReelPage(tuple(reels), tuple(unread), len(items), following)


def read_reel(item: Item) -> Reel:
    """Raises UnreadablePost, with the ids where they are known. A reel whose film is kept back has
    its figures all the same."""
    post = read_head(item)
    hidden = bool(item.get("like_and_view_counts_disabled"))
    plays = _count(item.get("play_count"))
    return Reel(
        platform_id=post.platform_id,
        shortcode=post.shortcode,
        thumbnail=_thumbnail(item),
        caption=post.caption,
        likes=None if hidden else _count(item.get("like_count")),
        comments=_count(item.get("comment_count")),
        views=_shown(item.get("view_count"), hidden=hidden),
        plays=_shown(_count(item.get("ig_play_count")) if plays is None else plays, hidden=hidden),
        taken_at=post.taken_at,
        seconds=_seconds(item.get("video_duration")),
        hashtags=tuple(hashtags(post.caption)),
        mentions=mentions(post.caption),
        audio=_audio(item.get("clips_metadata")),
        raw=item,
    )


def _next(content: Any, cursor: str | None) -> str | None:
    paging = content.get("paging_info")
    if not isinstance(paging, dict):
        raise UnreadablePost("a page that does not say whether it is the last")
    max_id = paging.get("max_id")
    known = isinstance(max_id, str | int) and str(max_id) not in ("", cursor)
    if not paging.get("more_available"):
        return None
    if not known:
        raise UnreadablePost("a page that does not say where the next one begins")
    return str(max_id)


def _count(value: object) -> int | None:
    """None for what is not told: null, text, or the -1 that stands for a hidden one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST:
        return value
    return None


def _shown(value: object, *, hidden: bool) -> int | None:
    """A hidden count may also come as 0."""
    count = _count(value)
    return None if hidden and not count else count


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and 0 < value < _LONGEST_SECONDS:
        return float(value)
    return None


def _picture(user: Item) -> str:
    large = user.get("hd_profile_pic_url_info")
    url = large.get("url") if isinstance(large, dict) else None
    return clean_text(url or user.get("profile_pic_url"))


def _thumbnail(item: Item) -> str:
    """The smallest picture: a table shows many. "" where there is none."""
    images = item.get("image_versions2")
    entries = images.get("candidates") if isinstance(images, dict) else None
    good = [one for one in entries or () if isinstance(one, dict) and one.get("url")]
    good.sort(key=lambda one: _count(one.get("width")) or 0)
    return clean_text(good[0]["url"]) if good else ""


def _audio(metadata: object) -> Audio | None:
    if not isinstance(metadata, dict):
        return None
    match metadata:
        case {"music_info": {"music_asset_info": dict(song)}}:
            number = song.get("audio_cluster_id") or song.get("audio_asset_id")
            return Audio(
                _id(number),
                clean_text(song.get("title")),
                clean_text(song.get("display_artist")),
                is_original=False,
            )
        case {"original_sound_info": dict(sound)}:
            author = sound.get("ig_artist")
            return Audio(
                _id(sound.get("audio_asset_id")),
                clean_text(sound.get("original_audio_title")),
                clean_text(author.get("username") if isinstance(author, dict) else ""),
                is_original=True,
            )
    return None


def _id(value: object) -> str:
    return clean_text(str(value)) if isinstance(value, str | int) else ""
