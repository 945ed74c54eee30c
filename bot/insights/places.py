"""Where in the figures a card is: whose, how many days, which metric. Its buttons carry it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.cards import Button, button
from bot.chat import Chat
from bot.insights.words import NAMES
from services.errors import NotAllowed
from services.insights.looking import DAYS

AREA = "ins"
# a button carries 32 characters
_SHORT = {"follows_and_unfollows": "follows"}
_LONG = {short: name for name, short in _SHORT.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """`metric`: a key of words.NAMES. `account_id` 0: the first one."""

    account_id: int = 0
    days: int = 28
    metric: str = "reach"

    @property
    def ref(self) -> str:
        return f"{self.account_id}-{self.days}-{_SHORT.get(self.metric, self.metric)}"

    def to(self, label: str, verb: str = "show", **changes: object) -> Button:
        """A button to a card of this place, or of one beside it."""
        return button(label, AREA, verb, replace(self, **changes).ref)  # type: ignore[arg-type]


def of(chat: Chat) -> Place:
    """Of the button that was tapped. Errors: NotAllowed."""
    assert chat.tap is not None
    return read(chat.tap.ref)


def read(ref: str) -> Place:
    """Errors: NotAllowed for what this version never wrote."""
    account, _, rest = ref.partition("-")
    days, _, short = rest.partition("-")
    metric = _LONG.get(short, short)
    if (
        account.isascii()
        and account.isdecimal()
        and len(account) < 19
        and days in map(str, DAYS)
        and metric in NAMES
    ):
        return Place(int(account), int(days), metric)
    raise NotAllowed("That button is from another version.", "Open /insights.")
