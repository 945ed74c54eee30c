"""`studio`: the owner, with what she needs for stories."""

from __future__ import annotations

import pytest

from tests.bot.stories.studio import Studio
from tests.support.harness import Harness


@pytest.fixture
async def studio(harness: Harness) -> Studio:
    return Studio(harness, await harness.owner())
