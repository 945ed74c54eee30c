"""How the files of a post travel to the chat, as a pure function of their sizes.

Called by bot/importing/library.py. The limits are Telegram's for bots: 50 MB a request, photos of
10 MB whose sides are at most 10,000 together and 1:20 apart, albums of 2 to 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage.samples import Sample

UPLOAD = 50_000_000  # bytes
PHOTO = 10_000_000
SIDES, RATIO = 10_000, 20
ALBUM = 10


@dataclass(frozen=True, slots=True)
class Parcels:
    """`albums`: one to ten pictures and films each. `documents`: photos that Telegram does not take
    as such. `links`: what is too large for the chat."""

    albums: list[list[Sample]]
    documents: list[Sample]
    links: list[Sample]


def pack(files: Sequence[Sample]) -> Parcels:
    """Every file in exactly one place, each list in the post's order."""
    parcels = Parcels([], [], [])
    weight = 0
    for file in files:
        if file.bytes > UPLOAD:
            parcels.links.append(file)
        elif file.kind == "image" and not _is_photo(file):
            parcels.documents.append(file)
        elif parcels.albums and len(parcels.albums[-1]) < ALBUM and weight + file.bytes <= UPLOAD:
            parcels.albums[-1].append(file)
            weight += file.bytes
        else:
            parcels.albums.append([file])
            weight = file.bytes
    return parcels


def _is_photo(file: Sample) -> bool:
    sides = (file.width or 0, file.height or 0)
    known = min(sides) > 0  # of unknown size: as a document, which is always taken
    fits = sum(sides) <= SIDES and max(sides) <= RATIO * min(sides)
    return known and fits and file.bytes <= PHOTO
