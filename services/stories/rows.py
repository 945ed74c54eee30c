"""A story's row as the machine sees it, and back. Used by publishing and deciding."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from services.stories.machine import Publication, State, Verdict
from storage.stories import Story

_SAME = {field.name for field in fields(Publication)} - {"state", "verdict", "is_photo"}


def publication_of(story: Story) -> Publication:
    return Publication(
        state=State(story.state),
        verdict=Verdict(story.verdict) if story.verdict else None,
        is_photo=story.kind == "photo",
        **{name: getattr(story, name) for name in _SAME},
    )


def columns_of(publication: Publication) -> dict[str, Any]:
    """For storage.stories.move."""
    same = {name: getattr(publication, name) for name in _SAME}
    return {"state": publication.state, "verdict": publication.verdict, **same}
