"""Every failure that Reelay can name, as one tree.

    ReelayError
    |-- BadInput               what the user sent can't be used; nothing was started
    |   |-- BadLink            not a link that can be imported
    |   `-- BadCookies         not the cookies of a logged-in Instagram session
    |-- NotAllowed             not theirs, or not any more
    |-- OutOfCredits           the next post can't be paid for
    |-- InstagramError         what Instagram, its CDN or gallery-dl answered
    |   |-- SessionRefused     the cookies are dead
    |   |-- Checkpoint         Instagram wants to see the account's owner
    |   |   |-- ConsentWanted  who has to agree to new terms
    |   |   `-- Suspended      who has to appeal
    |   |-- RateLimited        slow down: the identity is frozen for a while
    |   |-- PostGone           deleted, or private now
    |   |-- NotFound           no such collection, or not for this account
    |   |-- Unavailable        5xx, timeouts, cut connections
    |   |-- UpstreamChanged    an answer in a shape that nobody knows
    |   |-- GalleryDlFailed    it crashed, hung or printed garbage
    |   `-- MediaRefused       one file of a post could not be fetched whole
    `-- StorageFailed          disk full, database locked, object store refuses

Every error says what it is about (`subject`), what happened in a sentence for the user (`message`),
what to do next (`next_step`) and what the program may do about it (`remedy`). The texts hold no
markup and no secret; whoever shows them escapes them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class Remedy(StrEnum):
    """What the program may do about a failure."""

    RETRY = "retry"
    WAIT_UNTIL = "wait_until"
    NEEDS_PERSON = "needs_person"
    BUG = "bug"


class ReelayError(Exception):
    """Root of the tree. `subject` is an id or a name, never a secret."""

    remedy = Remedy.BUG
    default_message = "Something went wrong inside Reelay."
    default_next_step = "Try again; if it stays, send the reference to whoever runs this bot."

    def __init__(
        self, message: str | None = None, next_step: str | None = None, *, subject: str = ""
    ) -> None:
        self.subject = subject
        self.message = message or self.default_message
        self.next_step = next_step or self.default_next_step
        super().__init__(f"{subject}: {self.message}" if subject else self.message)


class BadInput(ReelayError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "I can't read that."
    default_next_step = "Send it again, or press Cancel."


class BadLink(BadInput):
    default_message = "That is not a link to saved posts."
    default_next_step = "Send the link of a saved collection, a post or a reel."


class BadCookies(BadInput):
    default_message = "That is not a cookies file."
    default_next_step = "Export cookies.txt while you are logged in to instagram.com and send that."


class NotAllowed(ReelayError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "That is not yours to change, or it has changed since."
    default_next_step = "Open /start for what you can do now."


class OutOfCredits(ReelayError):
    """`missing`: how many credits the rest of the import needs beyond what is there."""

    remedy = Remedy.NEEDS_PERSON
    default_message = "There are no credits left for the next post."
    default_next_step = "Ask the owner of this bot for credits, then press Resume."

    def __init__(self, missing: int, *, subject: str = "") -> None:
        super().__init__(subject=subject)
        self.missing = missing


class InstagramError(ReelayError):
    """What Instagram, its CDN or gallery-dl answered. `requests`: how many were made for it."""

    requests = 0


class SessionRefused(InstagramError):
    remedy = Remedy.NEEDS_PERSON
    default_message = (
        "Instagram asks this account to log in again: the cookies are no longer valid."
    )
    default_next_step = "Log in on instagram.com, export cookies.txt again and send it."


class Checkpoint(InstagramError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Instagram wants to check that it is you."
    default_next_step = "Open Instagram in your browser or app, confirm, then press Resume."


class ConsentWanted(Checkpoint):
    default_message = "Instagram wants this account's owner to agree to its terms first."
    default_next_step = "Open the Instagram app, agree there, then press Resume."


class Suspended(Checkpoint):
    default_message = "Instagram has suspended this account."
    default_next_step = "Appeal in the Instagram app; when it is back, press Resume."


class RateLimited(InstagramError):
    """`until`: aware UTC time of the thaw, where the caller already knows it."""

    remedy = Remedy.WAIT_UNTIL
    default_message = "Instagram asks to slow down."
    default_next_step = "Nothing to do: it goes on by itself."

    def __init__(
        self, message: str | None = None, *, until: datetime | None = None, subject: str = ""
    ) -> None:
        super().__init__(message, subject=subject)
        self.until = until


class PostGone(InstagramError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "The post was deleted or is private now."
    default_next_step = "Nothing to do: its credit came back."


class NotFound(InstagramError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Instagram knows no such collection for this account."
    default_next_step = "Open the collection in your browser and copy its address again."


class Unavailable(InstagramError):
    remedy = Remedy.RETRY
    default_message = "Instagram could not be reached."
    default_next_step = "I try again by myself."


class UpstreamChanged(InstagramError):
    """`report`: file name of the kept answer, without secrets."""

    remedy = Remedy.RETRY
    default_message = "Instagram answered in a shape that this version does not know."
    default_next_step = "Upgrade gallery-dl, then press Resume."

    def __init__(self, message: str | None = None, *, report: str = "", subject: str = "") -> None:
        super().__init__(message, subject=subject)
        self.report = report


class GalleryDlFailed(UpstreamChanged):
    default_message = "gallery-dl, the program that reads Instagram, failed."


class MediaRefused(InstagramError):
    """`reason`: one of the short words that reports count by: http_404, short, wrong_type, …"""

    remedy = Remedy.RETRY
    default_message = "A file of the post could not be downloaded whole."
    default_next_step = "Press Retry failed: it is fetched with a fresh address."

    def __init__(self, reason: str, *, subject: str = "") -> None:
        super().__init__(subject=subject)
        self.reason = reason


class StorageFailed(ReelayError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Reelay can't write to its storage."
    default_next_step = "Free disk space or check the database, then press Resume."
