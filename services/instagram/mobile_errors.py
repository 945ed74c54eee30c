"""What a log-in asks for, takes and is refused with: what the chat and the mobile adapter share.

Apart from the adapter, so that who only shows them does not import instagrapi.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from services.errors import BadInput, InstagramError, Remedy

CodeKind = Literal["app", "sms", "whatsapp", "email"]

_USERNAME = re.compile(r"[a-z0-9._]{1,30}")
_WHERE: dict[CodeKind, str] = {
    "app": "from your authenticator app",
    "sms": "that came by SMS",
    "whatsapp": "that came by WhatsApp",
    "email": "that came by e-mail",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """`totp_secret`: of the authenticator app, base32, or "" where a person types the codes."""

    username: str
    password: str = field(repr=False)
    totp_secret: str = field(default="", repr=False)


def read_username(text: str) -> str:
    """As Instagram writes it. Errors: BadInput."""
    name = text.strip().removeprefix("@").lower()
    if not _USERNAME.fullmatch(name):
        raise BadInput(
            "That is not a user name of Instagram.",
            "Send it as it stands in your profile: letters, digits, dots and underscores. "
            "An e-mail address or a telephone number is not it.",
        )
    return name


def read_code(text: str) -> str:
    """A code as it was typed, without spaces and hyphens. Errors: BadInput."""
    code = "".join(text.split()).replace("-", "")
    if not (code.isascii() and code.isalnum() and 4 <= len(code) <= 12):
        raise BadInput("That is not a code: I need its digits only.")
    return code


class CodeWanted(InstagramError):
    """The log-in waits for a code. `hint`: the masked address or number that it was sent to, as
    Instagram shows it; "" for an app. `again`: the code before was wrong."""

    remedy = Remedy.NEEDS_PERSON
    default_next_step = "Type the code here; I delete the message as soon as I have read it."

    def __init__(self, kind: CodeKind, hint: str = "", *, again: bool = False) -> None:
        wanted = "That was not the right code" if again else "Instagram asks for a code"
        sent_to = f" to {hint}" if hint and kind == "email" else ""
        by_telephone = kind in ("sms", "whatsapp")
        ending = f" to the number that ends in {hint}" if hint and by_telephone else ""
        verb = " again" if again else ""
        super().__init__(f"{wanted}: I need the one {_WHERE[kind]}{sent_to}{ending}{verb}.")
        self.kind = kind
        self.hint = hint
        self.again = again


class LoginRefused(InstagramError):
    """Never tried again by a program: each refused try makes the account more suspect.

    `wrong`: Instagram says that it is the user name or the password. `late`: the code came after
    the log-in that asked for it was forgotten.
    """

    remedy = Remedy.NEEDS_PERSON
    default_message = "Instagram did not let me in, and did not say why."
    default_next_step = (
        "Log in once in the Instagram app and confirm what it asks, then try again here."
    )

    def __init__(self, *, wrong: bool = False, late: bool = False) -> None:
        message = next_step = None
        if wrong:
            message = "Instagram says that the user name or the password is wrong."
            next_step = (
                "Check both in the Instagram app, then log in again. I don't try again by myself."
            )
        elif late:
            message = "Instagram no longer waits for that code."
            next_step = "Log in again; it sends a new one."
        super().__init__(message, next_step)
        self.wrong = wrong
