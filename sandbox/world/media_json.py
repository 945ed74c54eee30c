"""Renders posts and people in Instagram's v1 JSON, the shape that its web and mobile APIs share.

Fields and their order follow what gallery-dl 1.32.18 and instagrapi 3.2.2 read: pictures best
first, films best last, both with sizes. Called by the Instagram stand-in.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from sandbox.world.music import Sound, Track
from sandbox.world.people import Person
from sandbox.world.posts import FILM_SIZE, SMALL_FILM_SIZE, Kind, Piece, Post

Json = dict[str, Any]
FileUrl = Callable[[int, str], str]  # (pk, variant of the file, see World.file) -> address

MEDIA_TYPES = {Kind.PHOTO: 1, Kind.REEL: 2, Kind.CAROUSEL: 8}
PRODUCT_TYPES = {Kind.PHOTO: "feed", Kind.REEL: "clips", Kind.CAROUSEL: "carousel_container"}
SMALL_WIDTH = 320  # pixels, of the second picture candidate
AVATAR_SIZE = 320
SHOWN_LIKERS = 3  # of a post that hides its likes: what clients have seen instead of the number


def media(post: Post, file_url: FileUrl) -> Json:
    """A post as the items of a list and of media/<pk>/info/ hold it. `taken_at` in seconds."""
    taken_at = int(post.taken_at.timestamp())
    full_id = f"{post.pk}_{post.owner.pk}"
    rendered: Json = {
        "pk": str(post.pk),
        "id": full_id,
        "strong_id__": full_id,
        "code": post.code,
        "taken_at": taken_at,
        "device_timestamp": taken_at * 1_000_000,
        "media_type": MEDIA_TYPES[post.kind],
        "product_type": PRODUCT_TYPES[post.kind],
        "user": short_user(post.owner, file_url),
        "caption": _caption(post, taken_at),
        "caption_is_edited": False,
        "like_count": SHOWN_LIKERS if post.hides_likes else post.likes,
        "comment_count": post.comments,
        "has_liked": False,
        "like_and_view_counts_disabled": post.hides_likes,
        "has_viewer_saved": True,
        "can_viewer_save": True,
        "location": None,
        "usertags": None,
        "coauthor_producers": [],
        "filter_type": 0,
        "organic_tracking_token": "eyJ2ZXJzaW9uIjo1fQ==",
        **_picture(post.pieces[0], file_url),
    }
    if post.kind is Kind.REEL:
        rendered |= _film(post.pieces[0], file_url) | _reel(post, file_url)
    if post.kind is Kind.CAROUSEL:
        rendered |= {
            "carousel_media_count": len(post.children),
            "carousel_media_ids": [str(child.pk) for child in post.children],
            "carousel_media": [_child(child, post, file_url) for child in post.children],
        }
    return rendered


def short_user(person: Person, file_url: FileUrl) -> Json:
    """A person as posts name their owner."""
    return {
        "pk": str(person.pk),
        "pk_id": str(person.pk),
        "id": str(person.pk),
        "strong_id__": str(person.pk),
        "username": person.username,
        "full_name": person.full_name,
        "is_private": person.is_private,
        "is_verified": False,
        "profile_pic_id": f"31{person.pk}_{person.pk}",
        "profile_pic_url": file_url(person.pk, "avatar"),
        "account_badges": [],
        "latest_reel_media": 0,
    }


def follow_counts(person: Person) -> tuple[int, int]:
    """(followers, followed) of this person."""
    rng = random.Random(person.pk)
    return rng.randint(1_000, 90_000), rng.randint(50, 900)


def full_user(person: Person, media_count: int, file_url: FileUrl) -> Json:
    """A person's profile as GraphQL and users/<pk>/info/ give it."""
    followers, following = follow_counts(person)
    avatar = {
        "url": file_url(person.pk, "avatar"),
        "width": AVATAR_SIZE,
        "height": AVATAR_SIZE,
    }
    return {
        **short_user(person, file_url),
        "biography": person.biography,
        "bio_links": [],
        "external_url": "",
        "media_count": media_count,
        "follower_count": followers,
        "following_count": following,
        "is_business": False,
        "account_type": 1 if person.is_personal else 3,
        "category": "Creator",
        "hd_profile_pic_url_info": avatar,
        "hd_profile_pic_versions": [avatar],
        "friendship_status": {"following": not person.is_private, "followed_by": False},
    }


def _caption(post: Post, taken_at: int) -> Json | None:
    if not post.caption:
        return None
    return {
        "pk": str(post.pk + 1),
        "text": post.caption,
        "user_id": str(post.owner.pk),
        "created_at": taken_at,
    }


def _picture(piece: Piece, file_url: FileUrl) -> Json:
    small_height = SMALL_WIDTH * piece.height // piece.width
    small = {"url": file_url(piece.pk, "small"), "width": SMALL_WIDTH, "height": small_height}
    full = {"url": file_url(piece.pk, "full"), "width": piece.width, "height": piece.height}
    return {
        "original_width": piece.width,
        "original_height": piece.height,
        "image_versions2": {"candidates": [full, small]},
    }


def _film(piece: Piece, file_url: FileUrl) -> Json:
    versions = [
        {
            "type": kind,
            "id": f"{piece.pk}v",
            "width": width,
            "height": height,
            "url": file_url(piece.pk, variant),
        }
        for kind, variant, (width, height) in (
            (102, "smallfilm", SMALL_FILM_SIZE),
            (101, "film", FILM_SIZE),
        )
    ]
    return {
        "video_versions": versions,
        "video_duration": piece.seconds,
        "has_audio": piece.sound is not Sound.NONE,
    }


def _child(child: Piece, post: Post, file_url: FileUrl) -> Json:
    return {
        "pk": str(child.pk),
        "id": f"{child.pk}_{post.owner.pk}",
        "media_type": 2 if child.is_film else 1,
        "carousel_parent_id": f"{post.pk}_{post.owner.pk}",
        "usertags": None,
        "taken_at": int(post.taken_at.timestamp()),
        **_picture(child, file_url),
        **(_film(child, file_url) if child.is_film else {}),
    }


def _reel(post: Post, file_url: FileUrl) -> Json:
    piece = post.pieces[0]
    return {
        "play_count": post.plays,
        "ig_play_count": post.plays,
        "view_count": None,
        "number_of_qualities": 2,
        "clips_metadata": _clips_metadata(post, piece, file_url),
    }


def _clips_metadata(post: Post, piece: Piece, file_url: FileUrl) -> Json:
    """Half of the tracks are licensed music; any other sound is the creator's own."""
    if piece.track and piece.track.number % 2:
        return {
            "audio_type": "licensed_music",
            "music_info": _music_info(piece.track, piece.pk, file_url),
            "original_sound_info": None,
        }
    if piece.sound is Sound.NONE:
        return {"audio_type": None, "music_info": None, "original_sound_info": None}
    own = {
        "audio_asset_id": str(post.pk + 2),
        "original_audio_title": piece.track.title if piece.track else "Original audio",
        "duration_in_ms": int(piece.seconds * 1000),
        "progressive_download_url": file_url(piece.pk, "smallfilm"),
        "dash_manifest": "<MPD/>",
        "ig_artist": short_user(post.owner, file_url),
        "audio_parts": [],
        "time_created": int(post.taken_at.timestamp()),
        "original_media_id": str(post.pk),
        "consumption_info": {},
        "fb_downstream_use_xpost_metadata": {},
    }
    return {"audio_type": "original_sounds", "music_info": None, "original_sound_info": own}


def _music_info(track: Track, pk: int, file_url: FileUrl) -> Json:
    asset = {
        "audio_asset_id": str(880_000_000 + track.number),
        "audio_cluster_id": str(890_000_000 + track.number),
        "id": str(880_000_000 + track.number),
        "title": track.title,
        "display_artist": track.artist,
        "duration_in_ms": int(track.seconds * 1000),
        "progressive_download_url": file_url(pk, "smallfilm"),
        "dash_manifest": None,
        "cover_artwork_uri": file_url(pk, "small"),
        "highlight_start_times_in_ms": [0],
        "ig_username": None,
        "subtitle": "",
    }
    consumption = {"ig_artist": None, "is_bookmarked": False, "should_mute_audio": False}
    return {"music_asset_info": asset, "music_consumption_info": consumption}
