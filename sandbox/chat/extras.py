"""What the chat page offers besides the chat: samples, links, bad days and the banner.

The composition fills an `Extras` in; `sandbox.chat.api` only passes it on to the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.bad_days import BadDay


@dataclass(frozen=True, slots=True)
class Sample:
    """A ready-made upload. `name` identifies it, `filename` is what the bot sees."""

    name: str
    label: str
    description: str
    filename: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """An address: worth pasting into the chat, or, of `pages`, worth opening beside it."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Note:
    """What the visitor would know by heart or read off their telephone: a password, a code.

    `name` identifies it; a code is another one half a minute later."""

    name: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Extras:
    """The callables are asked anew at each request, so that their answers may change."""

    samples: Callable[[], Sequence[Sample]]
    links: Callable[[], Sequence[Link]]
    bad_days: Callable[[], Sequence[BadDay]]
    switch: Callable[[str, bool], None]
    banner: str
    notes: Callable[[], Sequence[Note]] = tuple
    pages: Callable[[], Sequence[Link]] = tuple
