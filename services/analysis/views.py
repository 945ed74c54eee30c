"""An analysis as it is shown, and its rows in the shapes that figures are computed from. Pure.

Called by the service.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.instagram.profiles import Audio, Profile, Reel
from storage.analysis import Analysis
from storage.reels import NewReel, StoredReel


@dataclass(frozen=True, slots=True)
class View:
    """All that a card shows of one. `profile` None: not read yet; without its raw form.
    `account`: as whom it is looked at, "@mia", or "" where that account was disconnected."""

    item: Analysis
    profile: Profile | None
    account: str


def profile_of(item: Analysis) -> Profile | None:
    """As it was then."""
    if item.username is None or item.platform_id is None:
        return None
    return Profile(
        platform_id=item.platform_id,
        username=item.username,
        full_name=item.full_name,
        biography=item.biography,
        followers=item.followers,
        following=item.following,
        media_count=item.media_count,
        is_private=item.is_private,
        is_verified=item.is_verified,
        picture=item.picture,
        raw={},
    )


def reel_of(row: StoredReel) -> Reel:
    """Without its raw form."""
    audio = None
    if row.audio_id is not None:
        audio = Audio(row.audio_id, row.audio_title, row.audio_artist, row.audio_original)
    return Reel(
        platform_id=row.platform_id,
        shortcode=row.shortcode,
        thumbnail=row.thumbnail,
        caption=row.caption,
        likes=row.likes,
        comments=row.comments,
        views=row.views,
        plays=row.plays,
        taken_at=row.taken_at,
        seconds=row.seconds,
        hashtags=tuple(row.hashtags),
        mentions=tuple(row.mentions),
        audio=audio,
        raw={},
    )


def new_reel(reel: Reel) -> NewReel:
    audio = reel.audio
    return NewReel(
        platform_id=reel.platform_id,
        shortcode=reel.shortcode,
        thumbnail=reel.thumbnail,
        caption=reel.caption,
        likes=reel.likes,
        comments=reel.comments,
        views=reel.views,
        plays=reel.plays,
        taken_at=reel.taken_at,
        seconds=reel.seconds,
        hashtags=list(reel.hashtags),
        mentions=list(reel.mentions),
        audio_id=audio.platform_id if audio else None,
        audio_title=audio.title if audio else "",
        audio_artist=audio.artist if audio else "",
        audio_original=bool(audio and audio.is_original),
        raw=reel.raw,
    )
