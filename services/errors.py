"""Every failure that Reelay can name, as one tree.

    ReelayError
    |-- BadInput               what the user sent can't be used; nothing was started
    |   |-- BadLink            not a link that can be imported
    |   |-- BadCookies         not the cookies of a logged-in Instagram session
    |   `-- AppMissing         the operator has given no app at Meta for this kind of log-in
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
    |   |   |-- ProfileMissing  nobody is called so
    |   |   |-- ProfilePrivate  only its followers see it
    |   |   |-- ProfileGated    an age limit, or one of countries
    |   |   `-- NoReels         there is nothing to analyse
    |   |-- Unavailable        5xx, timeouts, cut connections
    |   |-- UpstreamChanged    an answer in a shape that nobody knows
    |   |-- GalleryDlFailed    it crashed, hung or printed garbage
    |   `-- MediaRefused       one file of a post could not be fetched whole
    |-- MetaError              what Meta's Graph API answered (judged in services/graph/refusals.py)
    |   |-- MetaUnavailable    5xx, timeouts, cut connections, "temporary"
    |   |-- MetaChanged        an answer in a shape that nobody knows
    |   |-- MetaRateLimited    no calls for a while
    |   |-- QuotaUsed          as many posts as Meta takes in 24 hours
    |   |-- TokenRefused       the token is dead: log in again
    |   |-- PermissionMissing  the log-in gave too few permissions
    |   |-- PublishingBlocked  Meta holds this account back
    |   |-- ContainerNotReady  not FINISHED yet: wait, publish the same one
    |   |-- ContainerInDoubt   only the container's own status tells
    |   |-- ContainerFailed    Meta could not make it; a new one may do
    |   |   `-- MediaNotFetched  Meta could not download the file
    |   |-- MediaUnfit         Meta will never take this file
    |   |-- MetaNotFound       no such account or object
    |   |-- NotMeasured        no figure for this metric
    |   `-- RequestRefused     our own mistake
    |-- HostingFailed          the file could not be put where Meta can fetch it
    |   `-- HostingRefused     keys or plan: trying again is no use
    `-- StorageFailed          disk full, database locked, object store refuses

Every error says what it is about (`subject`), what happened in a sentence for the user (`message`),
what to do next (`next_step`) and what the program may do about it (`remedy`). The texts hold no
markup and no secret; whoever shows them escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
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


class AppMissing(BadInput):
    default_message = "This bot has no app at Meta for that kind of log-in."
    default_next_step = "Paste a token from Meta's App Dashboard, or ask whoever runs this bot."


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


class ProfileMissing(NotFound):
    default_message = "Instagram knows nobody of that name."
    default_next_step = (
        "Check the spelling in the app: the person may have another name now, or has left."
    )


class ProfilePrivate(NotFound):
    default_message = "That profile is private; I look at public ones only."
    default_next_step = "If it becomes public, send /analyze again."


class ProfileGated(NotFound):
    default_message = (
        "Instagram shows that profile to people of a certain age or country only, and the "
        "connected account is not one of them."
    )
    default_next_step = (
        "Open the profile in the Instagram app with the connected account and confirm your age, "
        "then send /analyze again."
    )


class NoReels(NotFound):
    default_message = "That profile has no reels."
    default_next_step = "Once it has reels, send /analyze again."


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


@dataclass(frozen=True, slots=True)
class MetaSaid:
    """Meta's own words in a refusal: `text` for developers, `advice` for people, where there is
    any. Both are foreign: escape them where they are shown."""

    code: int | None = None
    subcode: int | None = None
    text: str = ""
    advice: str = ""
    trace: str = ""  # fbtrace_id: Meta's support asks for it
    transient: bool = False


class MetaError(ReelayError):
    """What Meta's Graph API answered. By itself: a refusal that no rule knows."""

    remedy = Remedy.NEEDS_PERSON
    default_message = "Meta refused, for a reason that I don't know."
    default_next_step = "Post it by hand, or try again later."

    def __init__(
        self,
        message: str | None = None,
        next_step: str | None = None,
        *,
        said: MetaSaid | None = None,
        subject: str = "",
    ) -> None:
        super().__init__(message, next_step, subject=subject)
        self.said = said or MetaSaid()


class MetaUnavailable(MetaError):
    remedy = Remedy.RETRY
    default_message = "Meta could not be reached, or is not well."
    default_next_step = "I try again by myself."


class MetaChanged(MetaError):
    remedy = Remedy.RETRY
    default_message = "Meta answered in a shape that this version does not know."
    default_next_step = "Check for a newer Reelay; if it stays, post by hand."


class MetaRateLimited(MetaError):
    """`until`: aware UTC time at which Meta lets us in again, where it told."""

    remedy = Remedy.WAIT_UNTIL
    default_message = "Meta asks for fewer calls."
    default_next_step = "Nothing to do: it goes on by itself."
    until: datetime | None = None


class QuotaUsed(MetaError):
    remedy = Remedy.WAIT_UNTIL
    default_message = "Meta takes no more posts of this account within these 24 hours."
    default_next_step = "It goes out when there is room again, or post it by hand."


class TokenRefused(MetaError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Meta does not accept the log-in of this account any more."
    default_next_step = "Connect the account again with /connect; what is queued waits for it."


class PermissionMissing(MetaError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "A permission is missing from this account's log-in."
    default_next_step = "Connect the account again with /connect and leave every box ticked."


class PublishingBlocked(MetaError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Meta does not let this account publish at the moment."
    default_next_step = "Open Instagram's app and follow what it asks; post this one by hand."


class ContainerNotReady(MetaError):
    remedy = Remedy.RETRY
    default_message = "Meta is still preparing the story."
    default_next_step = "Nothing to do: I look again in a moment."


class ContainerInDoubt(MetaError):
    """Nothing may be concluded from it: not that the story is live, nor that it is not."""

    remedy = Remedy.RETRY
    default_message = "Meta did not say whether the story went out."
    default_next_step = "Nothing to do: I ask until it is certain, and never post it twice."


class ContainerFailed(MetaError):
    remedy = Remedy.RETRY
    default_message = "Meta could not prepare the story."
    default_next_step = "I try once more with the same file."


class MediaNotFetched(ContainerFailed):
    default_message = "Meta could not download the file from its public address."
    default_next_step = "I check the address and try again; if it stays, you post it by hand."


class MediaUnfit(MetaError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Meta does not take this file."
    default_next_step = "Post it by hand, or send me the file again: it is fitted anew."


class MetaNotFound(MetaError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Meta knows no such account, or it is not a professional one."
    default_next_step = "Check the name."


class NotMeasured(MetaError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Meta has no figure for this."
    default_next_step = "Nothing to do."


class RequestRefused(MetaError):
    remedy = Remedy.BUG
    default_message = "Meta did not understand what Reelay asked of it."
    default_next_step = "Post it by hand, and send the reference to whoever runs this bot."


class HostingFailed(ReelayError):
    """Of the place where Meta fetches a story's file: Cloudinary or a bucket."""

    remedy = Remedy.RETRY
    default_message = "The file could not be put where Meta can fetch it."
    default_next_step = "I try again by myself; if it stays, you post it by hand."


class HostingRefused(HostingFailed):
    remedy = Remedy.NEEDS_PERSON
    default_message = "The place where Meta fetches files refuses Reelay's keys, or is full."
    default_next_step = "Check its keys and its plan, or post by hand."


class StorageFailed(ReelayError):
    remedy = Remedy.NEEDS_PERSON
    default_message = "Reelay can't write to its storage."
    default_next_step = "Free disk space or check the database, then press Resume."
