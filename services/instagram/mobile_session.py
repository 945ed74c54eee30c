"""One account's session with Instagram's mobile API: the ways in, and what is read.

Made by mobile.py. instagrapi is synchronous and not safe to share, so every call runs in the
account's own thread, at the account's pace, and ends in its time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from services.clock import Now
from services.errors import (
    BadInput,
    InstagramError,
    NotFound,
    ProfileMissing,
    SessionRefused,
    Unavailable,
    UpstreamChanged,
)
from services.instagram.mobile_errors import (
    CodeWanted,
    Credentials,
    LoginRefused,
    read_code,
    read_username,
)
from services.instagram.mobile_profiles import PAGE_SIZE, read_profile, read_reels
from services.instagram.mobile_stories import StoryPage, StoryTray, read_stories, read_tray
from services.instagram.mobile_timeline import FeedCursor, TimelinePage, read_timeline
from services.instagram.mobile_verdict import judge
from services.instagram.mobile_wire import Stopped, Transport, Wire
from services.instagram.pace import Pacer
from services.instagram.posts import UnreadablePost
from services.instagram.profiles import Profile, ReelPage
from services.instagram.reports import keep_report
from services.instagram.totp import totp_code

if TYPE_CHECKING:  # instagrapi is imported in an account's thread, where it is used
    from services.instagram.mobile_client import Client
    from services.instagram.mobile_login import Pending

T = TypeVar("T")

_GRACE_SECONDS = 10  # beyond a call's own limit, for what no time limit reaches


@dataclass(frozen=True, slots=True)
class Account:
    """Whose session it is. `user_id` is the number, as text."""

    user_id: str
    username: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: for one answer, and for all requests of one call (a log-in has up to ten)."""

    answer: float = 30
    call: float = 120


@dataclass(frozen=True, slots=True)
class Way:
    """How an account's calls reach Instagram, and what they may take."""

    pacer: Pacer
    now: Now
    reports: Path
    limits: Limits
    proxy: str | None = field(repr=False)
    ca_file: Path | None
    transport: Transport


class MobileSession:
    """One account. Made by Mobile.session().

    Every call may raise RateLimited, Checkpoint, Unavailable or UpstreamChanged, and, where it
    needs a session, SessionRefused; each knows its `requests`. Whatever a call came to, `settings`
    are to be kept again after it, where the kept ones are still those that it began with: somebody
    may have logged in meanwhile. Nothing here logs in but `login` and `enter_code`.
    """

    def __init__(self, identity: str, way: Way, thread: ThreadPoolExecutor) -> None:
        self.identity = identity
        self._way = way
        self._thread = thread
        self._refused = False
        self._settings: dict[str, Any] = {}
        self._pending: Pending | None = None
        self._wire = Wire(way.limits.answer)
        self._client: Client

    def __repr__(self) -> str:
        return f"MobileSession({self.identity!r})"

    @property
    def settings(self) -> str:
        """JSON, a secret as a whole: the phone, its session, and a log-in that waits for a code."""
        pending = asdict(self._pending) if self._pending else None
        return json.dumps({"client": self._settings, "pending": pending}, sort_keys=True)

    @property
    def user_id(self) -> str:
        """Of the account that is logged in, "" if none is."""
        known = self._settings.get("authorization_data")
        return str(known.get("ds_user_id") or "") if isinstance(known, dict) else ""

    @property
    def cookie_line(self) -> str:
        """The session as a browser would send it, a secret; "" if nobody is logged in.

        instagrapi itself takes the app's session to the web so (inject_sessionid_to_public);
        whether instagram.com accepts it, only a call can tell.
        """
        known = self._settings.get("authorization_data")
        session_id = known.get("sessionid") if isinstance(known, dict) else None
        return f"sessionid={session_id}; ds_user_id={self.user_id}" if session_id else ""

    @property
    def code_wanted(self) -> CodeWanted | None:
        """What the log-in waits for."""
        return CodeWanted(self._pending.kind, self._pending.hint) if self._pending else None

    # ------------------------------------------------------------------ the ways in

    async def use_session_id(self, session_id: str) -> Account:
        """Go on with the `sessionid` cookie of a browser, once Instagram has said whose it is.

        One request. Errors: SessionRefused; BadInput for what is no session id.
        """
        from services.instagram import mobile_login

        if not mobile_login.user_of(session_id):
            raise BadInput("That is not the sessionid of an Instagram session.")

        def work(_: Client) -> Account:
            with self._renewed(mobile_login.session_from(session_id)) as client:
                return self._whose(client)

        return await self._call("connect", work, self._judged)

    async def login(self, credentials: Credentials) -> None:
        """Log in with the same phone as ever; six to twelve requests, one try. What there was of
        a session stays where it fails.

        Errors: CodeWanted (then enter_code), LoginRefused, BadInput for a bad TOTP secret.
        """
        from services.instagram import mobile_login

        if credentials.totp_secret:
            totp_code(credentials.totp_secret, self._way.now())  # before anything is sent

        def work(_: Client) -> None:
            with self._renewed({}) as client:
                self._pending = mobile_login.enter(client, self._wire, credentials)
                if self._pending is None:
                    return
                if self._pending.kind != "app" or not credentials.totp_secret:
                    raise CodeWanted(self._pending.kind, self._pending.hint)
                code = totp_code(credentials.totp_secret, self._way.now())
                self._finish(client, credentials, code)

        await self._call("connect", work, self._login_refused)

    async def enter_code(self, code: str, credentials: Credentials) -> None:
        """The code that `login` asked for. Errors: CodeWanted with `again`, LoginRefused.

        The password is needed where Instagram accepts the code and then wants it once more.
        """
        digits = read_code(code)
        if self._pending is None:
            raise LoginRefused
        await self._call(
            "connect",
            lambda client: self._finish(client, credentials, digits),
            self._login_refused,
        )

    def _finish(self, client: Client, credentials: Credentials, code: str) -> None:
        """In the thread, with a log-in that waits for this code."""
        from services.instagram import mobile_login

        assert self._pending
        pending = self._pending
        try:
            done = mobile_login.finish(client, pending, credentials.username, code)
        except Stopped:
            raise
        except Exception as error:  # the edge to a library that raises anything
            reason = mobile_login.not_taken(self._wire)
            if isinstance(reason, LoginRefused):
                self._pending = None
            raise reason or CodeWanted(pending.kind, pending.hint, again=True) from error
        self._pending = None
        if not done and (after := mobile_login.enter(client, self._wire, credentials)):
            self._pending = after
            raise CodeWanted(after.kind, after.hint)

    @contextmanager
    def _renewed(self, session: dict[str, Any]) -> Iterator[Client]:
        """In the thread: a client of the same phone with this session, {} for none yet. It stays
        if it gets in or waits for a code; else the session that there was is put back."""
        from services.instagram import mobile_client

        before = mobile_client.session_of(mobile_client.take_settings(self._client))
        pending, self._pending = self._pending, None
        self._make(session)
        try:
            yield self._client
        except CodeWanted:
            self._refused = False
            raise
        except BaseException:
            self._make(before)
            self._pending = pending
            raise
        self._refused = False

    def _login_refused(self) -> InstagramError:
        from services.instagram import mobile_login

        return mobile_login.refusal(self._wire)

    # ------------------------------------------------------------------ reading

    async def account(self) -> Account:
        """Whose session it is; one request."""
        return await self._read("connect", self._whose)

    def _whose(self, client: Client) -> Account:
        match client.private_request(f"users/{client.user_id}/info/"):
            case {"user": {"pk": int() | str() as number, "username": str(name)}} if name:
                return Account(str(number), name)
        raise UnreadablePost("an answer without an account")

    async def timeline(self, cursor: FeedCursor | None = None) -> TimelinePage:
        """One page of the home feed, newest first: one request."""

        def work(client: Client) -> TimelinePage:
            if cursor is None:
                answer = client.get_timeline_feed("pull_to_refresh")
            else:
                answer = client.get_timeline_feed("pagination", cursor.max_id, cursor.seen)
            return read_timeline(answer, cursor, self.user_id)

        return await self._read("feed", work)

    async def story_tray(self) -> StoryTray:
        """Who of the followed accounts has stories now: one request."""
        return await self._read("stories", lambda c: read_tray(c.get_reels_tray_feed()))

    async def stories(self, user_id: str) -> StoryPage:
        """The stories of one account: one request. Errors: NotFound for a private one."""
        from services.instagram.mobile_client import STORY_PARAMS

        path = f"feed/user/{int(user_id)}/story/"
        return await self._read(
            "stories", lambda c: read_stories(c.private_request(path, params=STORY_PARAMS))
        )

    async def profile(self, username: str) -> Profile:
        """Who is called so: one request. Errors: ProfileMissing, ProfileGated."""
        name = read_username(username)
        return await self._profile(f"users/{name}/usernameinfo/")

    async def profile_by_id(self, user_id: str) -> Profile:
        """Whoever has this number, whatever they are called now; else as `profile`."""
        return await self._profile(f"users/{int(user_id)}/info/")

    async def _profile(self, path: str) -> Profile:
        try:
            return await self._read("analysis", lambda c: read_profile(c.private_request(path)))
        except NotFound as error:
            if type(error) is not NotFound:
                raise
            missing = ProfileMissing()
            missing.requests = error.requests
            raise missing from None

    async def reels(self, user_id: str, cursor: str | None = None) -> ReelPage:
        """One page of a profile's reels, newest first but for pinned ones: one request.

        Errors: ProfilePrivate, ProfileGated, NotFound. instagrapi's own paging would take a bare
        429 for the end of the list.
        """
        form = {
            "target_user_id": str(int(user_id)),
            "max_id": cursor or "",
            "page_size": PAGE_SIZE,
            "include_feed_video": "true",
        }
        return await self._read(
            "analysis", lambda c: read_reels(c.private_request("clips/user/", form), cursor)
        )

    async def _read(self, purpose: str, work: Callable[[Client], T]) -> T:
        if self._refused or not self.user_id:  # a dead session is not asked twice
            raise SessionRefused(
                "This account is logged out.",
                "Open /connect and log in to it again.",
            )
        try:
            return await self._call(purpose, work, self._judged)
        except SessionRefused:
            self._refused = True
            raise

    def _judged(self) -> InstagramError:
        error = judge(self._wire.answer)
        if isinstance(error, UpstreamChanged) and (answer := self._wire.answer):
            secrets = [*_strings(self._settings), self._way.proxy or ""]
            text = f"instagrapi, status {answer.status}\n\n{answer.path}\n\n{answer.body}"
            error.report = keep_report(self._way.reports, text, secrets)
        return error

    # ------------------------------------------------------------------ the thread

    async def load(self, settings: str) -> None:
        """Once, by Mobile.session()."""
        content = json.loads(settings) if settings else {}
        await self._in_thread(partial(self._load, content))

    def _load(self, content: dict[str, Any]) -> None:
        from services.instagram import mobile_client, mobile_login

        self._settings = content.get("client", {})
        self._make(mobile_client.session_of(self._settings))
        if pending := content.get("pending"):
            self._pending = mobile_login.Pending(**pending)

    def stop(self) -> None:
        """The call under way, if there is one, sends nothing further."""
        self._wire.stopped = True

    def _make(self, session: dict[str, Any]) -> None:
        """In the thread: a client of the phone, as it is known by now, with this session."""
        from services.instagram import mobile_client

        phone = self._settings
        if hasattr(self, "_client"):
            phone = mobile_client.take_settings(self._client)
            mobile_client.close_client(self._client)
        self._client = mobile_client.make_client(
            {**mobile_client.device_of(phone), **session},
            self._wire,
            proxy=self._way.proxy,
            ca_file=self._way.ca_file,
            transport=self._way.transport,
        )
        self._settings = mobile_client.take_settings(self._client)

    async def _call(
        self, purpose: str, work: Callable[[Client], T], judged: Callable[[], InstagramError]
    ) -> T:
        """One turn of the pace; `judged` says, in the thread, what instagrapi's failure means."""
        from services.instagram import mobile_client

        def run() -> T:
            self._wire.begin(self._way.limits.call)
            try:
                return work(self._client)
            except UnreadablePost:
                error = self._judged()
            except InstagramError as known:
                error = known
            except Stopped:
                error = Unavailable()
            except Exception:  # the edge to a library that raises anything
                if not self._wire.requests:  # then it is a bug of ours, and no answer
                    raise
                error = judged()
            finally:
                self._settings = mobile_client.take_settings(self._client)
            error.requests = self._wire.requests
            raise error from None  # what was raised there holds answers and secrets

        async with self._way.pacer.turn(self.identity, purpose) as turn:
            try:
                return await self._in_thread(run)
            finally:
                turn.requests = self._wire.requests

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Bounded even where the thread hangs; whoever stops waiting stops the call, too."""
        limit = self._way.limits.call + _GRACE_SECONDS
        waiting: Awaitable[T] = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            async with asyncio.timeout(limit):
                return await waiting
        except TimeoutError:
            self.stop()
            raise Unavailable() from None
        except asyncio.CancelledError:
            self.stop()
            raise


def _strings(value: Any) -> list[str]:
    """Every text in the settings: cookies, tokens, keys and the phone's numbers."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in _strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []
