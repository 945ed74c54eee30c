"""The ways into an account: its password, what is asked for besides, and the session it ends with.

`login` and `challenge` ask here; tests and the demo read passwords and codes here.
"""

from __future__ import annotations

import base64
import binascii
import collections
import enum
import functools
import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from datetime import datetime

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.instagram.answers import json_answer
from sandbox.instagram.bad_days import BadDays
from sandbox.instagram.web_api import SESSION
from sandbox.world import World
from sandbox.world.media_json import Json
from sandbox.world.people import Person
from sandbox.world.world import Session

KEY_ID = 41  # of the key that passwords are sealed with
FIRST_GENERATION = 1000  # of sessions that a log-in made; those of browsers are lower
MOST_BAD_PASSWORDS = 3  # then: please wait a few minutes
TOTP_SECONDS = 30


class Door(enum.Enum):
    """What Instagram wants besides the password."""

    OPEN = "nothing"
    TOTP = "the code of an authenticator app"
    SMS = "a code by SMS, at the older log-in"
    WHATSAPP = "a code by WhatsApp, at the older log-in"
    CHALLENGE = "a code by e-mail, before it says a word about the password"
    PROFILE_CODE = "a code by e-mail, asked for in the app's newer form"
    APP = "to be confirmed in the app, which no code can replace"


SECOND_FACTORS = (Door.TOTP, Door.SMS, Door.WHATSAPP)  # a backup code opens these, too


class Doors:
    """`doors[username]` may be changed while it runs; who is not in it has an open one."""

    def __init__(self, world: World, bad_days: BadDays, now: Callable[[], datetime]) -> None:
        self.doors = {"leo": Door.TOTP, "zoe": Door.SMS}
        self._world = world
        self._bad_days = bad_days
        self._now = now
        self._bad_passwords: collections.Counter[str] = collections.Counter()
        self._generations: collections.Counter[str] = collections.Counter()
        self._solved: set[tuple[str, int]] = set()  # who, and on which day of challenges

    # ------------------------------------------------------------------ what a person knows

    def password(self, username: str) -> str:
        return f"{username}-{self._digest(username, 'password')[:8]} ü"

    def totp_secret(self, username: str) -> str:
        return base64.b32encode(self._digest(username, "totp")[:20].encode()).decode()

    def code(self, username: str) -> str:
        """The six digits that come by SMS or e-mail."""
        return str(int(self._digest(username, "code")[:8], 16) % 1_000_000).zfill(6)

    def code_now(self, username: str) -> str:
        """What the person would read off their telephone at this moment; "" if nothing."""
        door = self.door(username)
        if door is Door.TOTP:
            now = int(self._now().timestamp()) // TOTP_SECONDS
            return totp(self.totp_secret(username), now)
        return "" if door in (Door.OPEN, Door.APP) else self.code(username)

    def backup_code(self, username: str) -> str:
        """One of the eight-digit codes that are noted down for the day the telephone is lost."""
        return str(int(self._digest(username, "backup")[:10], 16) % 100_000_000).zfill(8)

    def _digest(self, username: str, what: str) -> str:
        return hashlib.sha256(f"{self._world.seed} {username} {what}".encode()).hexdigest()

    # ------------------------------------------------------------------ what Instagram checks

    def door(self, username: str) -> Door:
        if (username, self._day()) in self._solved:
            return Door.OPEN
        if self._bad_days.is_on("login-challenge"):
            return Door.CHALLENGE
        return self.doors.get(username, Door.OPEN)

    def person(self, username: str, sealed: str) -> Person | None:
        """Who comes with this sealed password; None if it is not theirs."""
        person = self._world.person(username)
        if person is None or unsealed(sealed) != self.password(username):
            self._bad_passwords[username] += 1
            return None
        return person

    def is_throttled(self, username: str) -> bool:
        return self._bad_passwords[username] >= MOST_BAD_PASSWORDS

    def fits(self, username: str, code: str, door: Door) -> bool:
        """Whether this code opens this door; TOTP codes of the neighbouring 30 seconds do too."""
        code = code.replace(" ", "")
        if door in SECOND_FACTORS and code == self.backup_code(username):
            return True
        if door is not Door.TOTP:
            return code == self.code(username)
        now = int(self._now().timestamp()) // TOTP_SECONDS
        return code in {totp(self.totp_secret(username), now + shift) for shift in (-1, 0, 1)}

    def solve(self, username: str) -> None:
        """The challenge is over: the next log-in with the right password succeeds."""
        self._solved.add((username, self._day()))

    def _day(self) -> int:
        return self._bad_days.times_switched("login-challenge")

    # ------------------------------------------------------------------ the session at the end

    def session_headers(self, request: web.Request, person: Person) -> dict[str, str]:
        """A new session, in the headers from which the app takes it; `request` becomes theirs."""
        self._generations[person.username] += 1
        generation = FIRST_GENERATION + self._generations[person.username]
        request[SESSION] = Session(person.username, generation)
        content = {
            "ds_user_id": str(person.pk),
            "sessionid": self._world.session_id(person.username, generation),
        }
        token = base64.b64encode(json.dumps(content).encode()).decode()
        return {
            "ig-set-authorization": f"Bearer IGT:2:{token}",
            "ig-set-x-mid": f"aSANDBOX{person.pk}",
            "x-ig-set-www-claim": f"hmac.SANDBOX{person.pk}",
        }


def short_account(person: Person) -> Json:
    return {"pk": person.pk, "username": person.username, "full_name": person.full_name}


def please_wait() -> web.Response:
    body = {"message": "Please wait a few minutes before you try again.", "status": "fail"}
    return json_answer(body, 429)


def totp(secret: str, counter: int) -> str:
    """RFC 6238 with SHA-1 and six digits."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", counter), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 1_000_000).zfill(6)


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    """Made once per process: 2,048 bits take a tenth of a second."""
    return rsa.generate_private_key(65537, 2048)


def public_key() -> str:
    """The PEM of the key that passwords are sealed with, in base64 as the header carries it."""
    pem = (
        _key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(pem).decode()


def unsealed(text: str) -> str | None:
    """The password in "#PWD_INSTAGRAM:4:<time>:<base64>"; None if it is sealed otherwise.

    The bytes: 1, key id, nonce (12), length (2, little endian), RSA-sealed AES key, tag (16), text.
    """
    tag, _, rest = text.partition(":4:")
    time, _, payload = rest.partition(":")
    try:
        raw = base64.b64decode(payload, validate=True)
        size = int.from_bytes(raw[14:16], "little")
        sealed_key, mac, cipher = raw[16 : 16 + size], raw[16 + size : 32 + size], raw[32 + size :]
        if tag != "#PWD_INSTAGRAM" or raw[:2] != bytes((1, KEY_ID)):
            return None
        key = _key().decrypt(sealed_key, padding.PKCS1v15())
        return AESGCM(key).decrypt(raw[2:14], cipher + mac, time.encode()).decode()
    except (ValueError, binascii.Error, InvalidTag):
        return None
