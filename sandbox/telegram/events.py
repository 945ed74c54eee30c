"""What a person's app is told while it happens: new messages, edits, toasts.

Published by state.py and the methods, read by the chat page.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from dataclasses import dataclass
from typing import Literal

from sandbox.telegram.wire import Json

QUEUE_LIMIT = 1000
Kind = Literal["message", "edit", "delete", "toast", "action", "commands", "ring"]


@dataclass(frozen=True)
class Event:
    """One thing that happened in a chat.

    payload: message and edit: the Message (message has also "silent": bool); delete and ring:
    {"message_id"}; toast: {"query_id", "text", "show_alert"}; action: {"action"}; commands:
    {"commands"}.
    """

    kind: Kind
    chat_id: int
    payload: Json


class Events:
    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event]] = set()

    def subscribe(self) -> asyncio.Queue[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_LIMIT)
        self._queues.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Event]) -> None:
        self._queues.discard(queue)

    def publish(self, kind: Kind, chat_id: int, payload: Json) -> None:
        event = Event(kind, chat_id, copy.deepcopy(payload))
        for queue in self._queues:
            if queue.full():  # a reader that stopped reading loses the oldest
                with contextlib.suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
            queue.put_nowait(event)
