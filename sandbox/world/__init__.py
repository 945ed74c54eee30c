"""The sandbox's world, all from one seed: people, saved collections, posts, pictures and films.

Nothing here speaks HTTP and nothing is stored: the stand-ins (`sandbox.instagram` and later ones)
serve it, and tests compare what Reelay says with what is true here.
"""

from sandbox.world.music import TRACKS, Key, Sound, Track
from sandbox.world.people import CREATORS, GATED, MEMBERS, PRIVATE, PROLIFIC, Person
from sandbox.world.posts import Kind, Piece, Post, Trouble
from sandbox.world.world import Collection, World

__all__ = [
    "CREATORS",
    "GATED",
    "MEMBERS",
    "PRIVATE",
    "PROLIFIC",
    "TRACKS",
    "Collection",
    "Key",
    "Kind",
    "Person",
    "Piece",
    "Post",
    "Sound",
    "Track",
    "Trouble",
    "World",
]
