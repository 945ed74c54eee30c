"""Films for whoever neither watches nor hears them: the true ones cost each worker 5 s.

Used by tests/conftest.py, and by tests marked `analysis` that give the answers themselves.
"""

from __future__ import annotations

import pytest

from sandbox.world import films
from sandbox.world import world as world_module
from sandbox.world.music import Sound
from sandbox.world.posts import Piece


def short_films(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world's films become half a second of one still, without sound."""
    monkeypatch.setattr(world_module, "_film", _still)


def _still(piece: Piece, _variant: str) -> bytes:
    return films.mp4(piece.motif % 3, Sound.NONE, None, 0.5, 64, 96)
