"""What reached the stand-in, so that tests and benches can count it. Filled by `server`."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

KEPT = 20_000  # requests; older ones are forgotten, the counts are not


@dataclass(frozen=True)
class Request:
    """One request that was answered. `at`: when it came, aware UTC. `status` 0: no answer.

    `identity` is the username of the session that it carried; None without a valid one.
    `to_application`: it reached Instagram's application; files and static scripts do not.
    """

    at: datetime
    host: str
    method: str
    path: str
    query: str
    identity: str | None
    status: int
    to_application: bool


class RequestLog:
    def __init__(self) -> None:
        self._kept: collections.deque[Request] = collections.deque(maxlen=KEPT)
        self._api: collections.Counter[str | None] = collections.Counter()

    def __iter__(self) -> Iterator[Request]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, request: Request) -> None:
        self._kept.append(request)
        if request.to_application:
            self._api[request.identity] += 1

    def api_requests(self, identity: str | None = None) -> int:
        """Requests to Instagram's application, of one username or of everybody."""
        return self._api.total() if identity is None else self._api[identity]

    def reset(self) -> None:
        self._kept.clear()
        self._api.clear()
