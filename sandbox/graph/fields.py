"""The `fields` parameter: `a,b{c},d.limit(2){e}`, taken apart and applied. Used by `rules`, `api`.

Meta's expressions may be nested; what a node has not is refused with its type's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.graph.refusals import Json, bad_syntax, no_such_field

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MODIFIER = re.compile(r"\.([a-z_]+)\(([^(){},]*)\)")

# account_type is told only to tokens of Instagram Login.
IG_USER = frozenset(
    {
        "biography",
        "business_discovery",
        "followers_count",
        "follows_count",
        "has_profile_pic",
        "id",
        "ig_id",
        "is_published",
        "legacy_instagram_user_id",
        "media_count",
        "name",
        "profile_picture_url",
        "shopping_product_tag_eligibility",
        "username",
        "website",
    }
)
IG_USER_ONLY = frozenset(
    {
        "account_type",
        "biography",
        "followers_count",
        "follows_count",
        "id",
        "media_count",
        "name",
        "profile_picture_url",
        "user_id",
        "username",
        "website",
    }
)
IG_MEDIA = frozenset(
    {
        "alt_text",
        "caption",
        "comments_count",
        "id",
        "ig_id",
        "is_ai_generated",
        "is_comment_enabled",
        "is_shared_to_feed",
        "legacy_instagram_media_id",
        "like_count",
        "media_product_type",
        "media_type",
        "media_url",
        "owner",
        "permalink",
        "shortcode",
        "thumbnail_url",
        "timestamp",
        "username",
    }
)
FACEBOOK_MEDIA = frozenset({"caption", "media_product_type"})  # Facebook Login only, say the pages
IG_MEDIA_ONLY = IG_MEDIA - {"ig_id", "legacy_instagram_media_id"}
IG_CONTAINER = frozenset(
    {
        "copyright_check_status",
        "id",
        "status",
        "status_code",
        "video_status",
    }
)
LIMIT = frozenset({"config", "quota_usage"})
PAGE = frozenset(
    {
        "id",
        "name",
        "access_token",
        "category",
        "tasks",
        "username",
        "instagram_business_account",
        "connected_instagram_account",
    }
)
FACEBOOKER = frozenset({"id", "name"})


@dataclass(slots=True)
class Asked:
    """Fields by name; each with what is asked of it in turn, and its modifiers."""

    names: dict[str, Asked] = field(default_factory=dict)
    modifiers: dict[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def check(self, known: frozenset[str], node: str) -> None:
        """Errors: Refused for a field that this type of node has not."""
        for name in self.names:
            if name not in known:
                raise no_such_field(name, node)

    def of(self, node: Mapping[str, object]) -> Json:
        """The node with what was asked for, as far as it has it, and with its id in any case."""
        answer = {name: node[name] for name in self.names if node.get(name) is not None}
        return {**answer, "id": node["id"]} if "id" in node else answer


def parse(text: str) -> Asked:
    """Errors: Refused with 2500."""
    asked, place = _level(text, 0)
    if place < len(text):
        raise bad_syntax("end of string", place, text[place:])
    return asked


def _level(text: str, place: int) -> tuple[Asked, int]:
    asked = Asked()
    while True:
        found = NAME.match(text, place)
        if found is None:
            raise bad_syntax("name", place, text[place:])
        child, place = Asked(), found.end()
        while modifier := MODIFIER.match(text, place):
            child.modifiers[modifier[1]] = modifier[2]
            place = modifier.end()
        if text[place : place + 1] == "{":
            inner, place = _level(text, place + 1)
            if text[place : place + 1] != "}":
                raise bad_syntax('"}"', place, text[place:])
            child.names, place = inner.names, place + 1
        asked.names[found[0]] = child
        if text[place : place + 1] != ",":
            return asked, place
        place += 1
