"""What reached the stand-in, so that tests and tours can count it. Filled by `server`."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sandbox.graph.rules import Call

KEPT = 20_000  # requests; older ones are forgotten, the counts are not


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was answered. `at`: when it came, aware UTC. `call` None: no such path.

    `params`: of query, form and body, with secrets. `headers`: as they came. `account`: the
    username whom the token is for. `status` 0: no answer. `error`: (code, subcode) of a refusal.
    `body`: what was answered, if it was JSON.
    """

    at: datetime
    call: Call | None
    host: str
    method: str
    path: str
    query: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    account: str | None
    status: int
    error: tuple[int, int | None] | None
    body: str


class RequestLog:
    def __init__(self) -> None:
        self._kept: collections.deque[Request] = collections.deque(maxlen=KEPT)
        self._counts: collections.Counter[Call | None] = collections.Counter()

    def __iter__(self) -> Iterator[Request]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, request: Request) -> None:
        self._kept.append(request)
        self._counts[request.call] += 1

    def count(self, call: Call | None = None) -> int:
        """Requests of this kind, or all."""
        return self._counts.total() if call is None else self._counts[call]

    def reset(self) -> None:
        self._kept.clear()
        self._counts.clear()
