"""Mia with her stories, for the tests that meet them in the chat."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from PIL import Image

from storage import stories, story_accounts, story_items
from storage.stories import Story
from tests.support.harness import Harness, PumpedVisitor


def picture(colour: str = "navy", width: int = 540, height: int = 960) -> bytes:
    image = Image.new("RGB", (width, height), colour)
    image.paste("white", (40, 40, 200, 300))
    image.paste("teal", (width - 150, height - 400, width - 20, height - 30))
    output = io.BytesIO()
    image.save(output, "JPEG")
    return output.getvalue()


class Studio:
    """Mia with her stories: rows as the library leaves them, without a process for each photo."""

    def __init__(self, harness: Harness, mia: PumpedVisitor) -> None:
        self.harness, self.mia, self.app = harness, mia, harness.app

    async def account(self) -> int:
        return (await self.app.stories.accounts.one(self.mia.user_id)).id

    async def connect(self, username: str = "mia") -> None:
        token = self.harness.sandbox.meta.instagram_token(username)
        await self.app.meta.logins.paste(self.mia.user_id, token)
        await self.app.stories.accounts.of_user(self.mia.user_id)

    async def item(self, name: str = "beach.jpg", **columns: Any) -> int:
        """A photo that is ready."""
        account_id = await self.account()
        content = picture(width=1080, height=1920)
        async with self.app.database.write() as db:
            item_id = await story_items.add(
                db,
                account_id,
                self.harness.clock(),
                state="ready",
                kind="photo",
                source="chat",
                name=name,
                sha256=f"{name:0>64}",
                original_key=f"stories/{name}",
                fitted_key=f"stories/fitted-{name}",
                preview_key=f"stories/fitted-{name}",
                bytes=len(content),
                added_by=self.mia.user_id,
                **columns,
            )
        for key in (f"stories/{name}", f"stories/fitted-{name}"):
            part = await self.app.objects.part("seed")
            part.write_bytes(content)
            await self.app.objects.adopt(part, key)
        return item_id

    async def asked(self, *, due: timedelta = timedelta(hours=1), **columns: Any) -> int:
        """A story whose preview is due."""
        item_id, now = await self.item(**columns), self.harness.clock()
        async with self.app.database.write() as db:
            story_id = await stories.make(
                db,
                await self.account_in(db),
                item_id,
                now,
                state="scheduled",
                mode="ask",
                due_at=now + due,
                next_at=now,
            )
        assert story_id is not None
        return story_id

    async def account_in(self, db: Any) -> int:
        return (await story_accounts.of_user(db, self.mia.user_id))[0].id

    async def story(self, story_id: int) -> Story:
        async with self.app.database.read() as db:
            found = await stories.get(db, story_id)
        assert found is not None
        return found

    async def only(self) -> Story:
        """The one that is open."""
        async with self.app.database.read() as db:
            account_id = await self.account_in(db)
            (found,) = await stories.of_account(db, account_id, stories.OPEN, 2)
        return found

    async def goes_on(self, story_id: int, state: str) -> None:
        """Until it is in this state. Time passes only while the story waits for it, so that a slow
        machine does not make it late."""
        while (story := await self.story(story_id)).state != state:
            if not story.at_work:
                step = max(timedelta(seconds=31), story.next_at - self.harness.clock())
                self.harness.clock.advance(seconds=step.total_seconds())
            await self.harness.turn()
