"""Who has what at Meta: apps, Facebook people with their Pages, professional Instagram accounts.

Made of the world's members; read by log-ins and by the API.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.world.people import MEMBERS, Person

BUSINESS, CREATOR = "BUSINESS", "MEDIA_CREATOR"
# mia sells, leo creates, zoe has an ordinary account: nothing of hers is at Meta's API.
ACCOUNT_TYPES = {"mia": BUSINESS, "leo": CREATOR}
FOLLOWERS = {"mia": 2_480, "leo": 61}
# Where a day of an account's series ends: Meta's pages show Pacific midnight, others saw their own.
ZONES = {"mia": "America/Los_Angeles", "leo": "Asia/Kolkata"}


@dataclass(frozen=True, slots=True)
class App:
    """Meta gives an app two pairs: one for Facebook Login, one for Instagram Login."""

    facebook_id: str
    facebook_secret: str
    instagram_id: str
    instagram_secret: str
    redirect_uris: tuple[str, ...] = ()  # besides those on loopback, allowed in development


APP = App(
    "314159265358979",
    "5f0c6f3e2d1b4a59687a7b8c9d0e1f23",
    "271828182845904",
    "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b",
)


@dataclass(frozen=True, slots=True)
class Account:
    """A professional account. `id` goes into paths; `scoped_id` is what /me calls `id` with
    Instagram Login, and nothing takes it. `followers`: around which their number moves."""

    id: str
    scoped_id: str
    person: Person
    type: str
    followers: int
    zone: str

    @property
    def username(self) -> str:
        return self.person.username


@dataclass(frozen=True, slots=True)
class Page:
    """A Facebook Page; `account` is None where no Instagram account is linked to it."""

    id: str
    name: str
    account: Account | None


@dataclass(frozen=True, slots=True)
class Facebooker:
    """A person at Facebook, with the Pages where they have a role."""

    id: str
    name: str
    username: str  # of the member of the world that this is
    pages: tuple[Page, ...]


class People:
    def __init__(self) -> None:
        self.accounts = {account.id: account for account in _accounts()}
        self.facebookers = {person.id: person for person in self._facebookers()}
        self.pages = {page.id: page for one in self.facebookers.values() for page in one.pages}

    def account(self, username: str) -> Account:
        """KeyError for who has no professional account."""
        for account in self.accounts.values():
            if account.username == username:
                return account
        raise KeyError(username)

    def facebooker(self, username: str) -> Facebooker:
        """KeyError for who is no member of the world."""
        for person in self.facebookers.values():
            if person.username == username:
                return person
        raise KeyError(username)

    def _facebookers(self) -> Iterable[Facebooker]:
        by_name = {account.username: account for account in self.accounts.values()}
        for number, member in enumerate(MEMBERS):
            pages: tuple[Page, ...] = ()
            if account := by_name.get(member.username):
                first = member.full_name.split()[0]
                pages = (
                    Page(f"10010000000{number}1", f"{first}'s old bakery", None),
                    Page(f"10010000000{number}2", f"{first} & friends", account),
                )
            yield Facebooker(f"12200000000000{number}", member.full_name, member.username, pages)


def _accounts() -> Iterable[Account]:
    for number, member in enumerate(MEMBERS):
        if kind := ACCOUNT_TYPES.get(member.username):
            yield Account(
                f"1784140000000000{number}",
                f"2600000000000000{number}",
                member,
                kind,
                FOLLOWERS[member.username],
                ZONES[member.username],
            )
