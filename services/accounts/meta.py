"""Log-ins at Meta: connected by a pasted token, by Meta's page or from the environment; opened for
a call, renewed in time, and said when they are dead.

Called by bot/ (connect, forget), by services.web (the way back from Meta's page), by the clock, and
by the capabilities that ask Meta (open, refused).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.clock import Now
from services.errors import (
    AppMissing,
    BadInput,
    MetaError,
    NotAllowed,
    PermissionMissing,
    Remedy,
    TokenRefused,
)
from services.graph.access import INSIGHT_SCOPES, STORY_SCOPES, Access, Profile, TokenFacts
from services.graph.account import Account
from services.graph.tokens import Granted, Life, Renewal, alert_due, renewal, replaces
from services.graph.wire import Flavour, GraphClient
from services.tokens import new_token, token_hash
from storage import audit, meta_accounts, notices
from storage.database import Database, Transaction
from storage.meta_accounts import MetaAccount
from storage.vault import CannotOpen, Secret, Vault

log = structlog.get_logger()

LOGIN_LASTS = timedelta(minutes=15)
CALLBACK = "/meta/callback"
RENEW_EVERY = timedelta(hours=20)  # tries of one account, at least so far apart
_TABLE = "meta_accounts"
_OF_FLAVOUR = {"IG": Flavour.INSTAGRAM, "EA": Flavour.FACEBOOK}  # how their tokens begin


@dataclass(frozen=True, slots=True)
class _Found:
    """One account that a log-in reaches, with the tokens that reach it."""

    profile: Profile
    token: Secret
    spare: Secret | None
    unlimited: bool


class MetaLogins:
    """`base`: the address of the side server, as Meta's page comes back to it."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        client: GraphClient,
        access: Access,
        now: Now,
        *,
        base: str,
    ) -> None:
        self._database = database
        self._vault = vault
        self._client = client
        self._access = access
        self._now = now
        self.base = base

    @property
    def _callback(self) -> str:
        return self.base.rstrip("/") + CALLBACK

    # ------------------------------------------------------------ a person connects

    async def link(self, user_id: int, flavour: Flavour) -> str:
        """Where the person logs in; good for one time and a quarter of an hour.

        Errors: AppMissing.
        """
        state = new_token()
        scopes = tuple(dict.fromkeys(STORY_SCOPES[flavour] + INSIGHT_SCOPES[flavour]))
        link = self._access.link(flavour, self._callback, state, scopes)
        now = self._now()
        async with self._database.write() as db:
            await meta_accounts.begin_login(
                db, token_hash(state), user_id, flavour.value, now + LOGIN_LASTS
            )
        return link

    async def come_back(self, state: str, code: str) -> list[MetaAccount]:
        """From Meta's page. `code` "": the person pressed Cancel there.

        Errors: NotAllowed for a state that is not ours, is over or was used; BadInput, MetaError.
        """
        now = self._now()
        async with self._database.write() as db:
            login = await meta_accounts.take_login(db, token_hash(state), now)
        if login is None:
            raise NotAllowed(
                "This link was used already, or is older than 15 minutes.",
                "Ask for a new one with /connect.",
            )
        if not code:
            raise BadInput("You did not allow it, so nothing was connected.", "Try /connect again.")
        flavour = Flavour(login.flavour)
        granted = await self._access.by_code(flavour, code, self._callback)
        return await self._connect(login.user_id, flavour, granted)

    async def paste(self, user_id: int, text: str) -> list[MetaAccount]:
        """A token from Meta's dashboard. A short-lived one is exchanged where the operator has
        given an app. Errors: BadInput, MetaError."""
        token = Secret(text.strip())
        flavour = _OF_FLAVOUR.get(token.reveal()[:2])
        if flavour is None:
            raise BadInput(
                "That does not look like a token of Meta: those begin with IG or EA.",
                "Copy it again from Meta's dashboard.",
            )
        try:
            return await self._connect(user_id, flavour, await self._lasting(flavour, token))
        except TokenRefused as error:  # of no account yet, so nothing waits for it
            fresh = error.message == TokenRefused.default_message
            raise TokenRefused(
                "Meta does not accept this token." if fresh else error.message,
                "Copy the whole of it again, or make a new one in Meta's App Dashboard.",
                said=error.said,
            ) from error

    async def _lasting(self, flavour: Flavour, token: Secret) -> Granted:
        """Errors: TokenRefused, other MetaError."""
        facts = await self._access.inspect(flavour, token)
        if facts.unlimited or _lives_long(facts, self._now()):
            return Granted(token, facts.expires_at, facts.scopes)
        try:
            return await self._access.long_lived(flavour, token)
        except (AppMissing, MetaError) as error:
            if error.remedy in (Remedy.RETRY, Remedy.WAIT_UNTIL):
                raise
            # no app of ours, or a token that is long-lived already (code 452), and the token was
            # just seen alive: as it is
            return Granted(token, facts.expires_at, facts.scopes)

    async def _connect(self, user_id: int, flavour: Flavour, granted: Granted) -> list[MetaAccount]:
        facts = await self._access.inspect(flavour, granted.token)
        scopes = list(granted.scopes or facts.scopes)
        found = await self._reached(flavour, granted.token, facts)
        if not found:
            raise PermissionMissing(
                "No professional Instagram account is linked to a Page of yours.",
                "Link it in Instagram's settings to a Facebook Page, then connect again.",
            )
        return [await self._keep(user_id, flavour, one, granted, facts, scopes) for one in found]

    async def _reached(self, flavour: Flavour, token: Secret, facts: TokenFacts) -> list[_Found]:
        if flavour is Flavour.INSTAGRAM:
            return [_Found(await self._access.profile(token), token, None, unlimited=False)]
        return [
            _Found(
                page.instagram,
                page.token,
                token if facts.kind != "PAGE" else None,
                # a Page's token has no end if the user's, which gave it, is a long-lived one
                unlimited=facts.kind == "PAGE" and facts.unlimited,
            )
            for page in await self._access.pages(token)
            if page.instagram is not None and page.token is not None
        ]

    async def _keep(
        self,
        user_id: int,
        flavour: Flavour,
        found: _Found,
        granted: Granted,
        facts: TokenFacts,
        scopes: list[str],
    ) -> MetaAccount:
        profile = found.profile
        kind = profile.account_type
        if not kind:
            probe = Account(self._client, flavour, profile.id, found.token, found.spare)
            kind = await probe.account_type()
        now = self._now()
        async with self._database.write() as db:
            account = await meta_accounts.keep(
                db,
                user_id,
                profile.id,
                now,
                username=profile.username,
                flavour=flavour.value,
                account_type=kind,
                scopes=scopes,
                issued_at=facts.issued_at or now,
                expires_at=granted.expires_at,
                unlimited=found.unlimited,
                data_ends_at=facts.data_ends_at,
                warned_days=None,
                problem=None,
            )
            await self._seal(db, account.id, found.token, found.spare)
            await audit.note(db, user_id, "connected_meta", f"@{profile.username}", now)
        return account

    async def forget(self, user_id: int, meta_id: int) -> MetaAccount:
        """Deletes the tokens at once. Errors: NotAllowed."""
        async with self._database.write() as db:
            account = await meta_accounts.get(db, meta_id)
            if account is None or account.user_id != user_id:
                raise NotAllowed
            await meta_accounts.delete(db, meta_id)
            await audit.note(db, user_id, "forgot_meta", f"@{account.username}", self._now())
        return account

    async def of_user(self, user_id: int) -> list[MetaAccount]:
        async with self._database.read() as db:
            return await meta_accounts.of_user(db, user_id)

    # ------------------------------------------------------------ what capabilities use

    async def open(self, meta_id: int | None) -> Account:
        """With its tokens, for one piece of work. Errors: TokenRefused if it can't be used."""
        async with self._database.read() as db:
            account = await meta_accounts.get(db, meta_id) if meta_id is not None else None
            sealed, spare = (
                await meta_accounts.sealed(db, meta_id) if meta_id is not None else (None, None)
            )
        if account is None or sealed is None:
            raise TokenRefused("The account is not connected to Meta any more.")
        if account.problem is not None:
            raise TokenRefused(account.problem)
        try:
            token = self._vault.open(sealed, _TABLE, account.id, "token")
            other = self._vault.open(spare, _TABLE, account.id, "spare") if spare else None
        except CannotOpen:
            raise TokenRefused(
                "The account's token can't be opened with this server's key."
            ) from None
        return Account(self._client, Flavour(account.flavour), account.identity, token, other)

    async def refused(
        self, meta_id: int, error: TokenRefused | PermissionMissing, token: Secret | None
    ) -> None:
        """Nothing more is asked with this token, and its person is told once. None: it could not be
        opened. One that has come meanwhile is not meant."""
        now = self._now()
        async with self._database.write() as db:
            account = await meta_accounts.get(db, meta_id)
            if account is None or account.problem is not None:
                return
            if await self._is_another(db, meta_id, token):
                return
            await meta_accounts.change(db, meta_id, problem=error.message)
            await notices.add(
                db,
                account.user_id,
                "meta_refused",
                now,
                account=account.username,
                message=error.message,
                next_step=error.next_step,
            )

    async def _is_another(self, db: Transaction, meta_id: int, token: Secret | None) -> bool:
        """Whether the account has another token than this one by now, and one that opens."""
        sealed, _ = await meta_accounts.sealed(db, meta_id)
        try:
            current = self._vault.open(sealed, _TABLE, meta_id, "token") if sealed else None
        except CannotOpen:
            return False
        return current is not None and (token is None or current.reveal() != token.reveal())

    # ------------------------------------------------------------ the clock

    async def renew_due(self) -> int:
        """Renews what is near its end, and says what will end; returns how many were renewed."""
        now = self._now()
        async with self._database.write() as db:
            await meta_accounts.prune_logins(db, now)
            accounts = await meta_accounts.everyones(db)
        renewed = 0
        for account in accounts:
            try:
                renewed += await self._renew(account, now)
            except (MetaError, AppMissing) as error:
                log.warning("a token was not renewed", account=account.identity, why=error.message)
            except CannotOpen:
                log.warning("a token can't be opened with this key", account=account.identity)
            await self._warn(account.id, now)
        return renewed

    async def _renew(self, account: MetaAccount, now: datetime) -> bool:
        """The old token stays until a better one is there; one that a person has brought meanwhile
        stays, too.

        Errors: MetaError, AppMissing, CannotOpen.
        """
        if account.problem or renewal(_life(account), now) is not Renewal.DUE:
            return False
        if account.tried_at is not None and now - account.tried_at < RENEW_EVERY:
            return False
        async with self._database.write() as db:
            await meta_accounts.change(db, account.id, tried_at=now)
            sealed, spare = await meta_accounts.sealed(db, account.id)
        flavour = Flavour(account.flavour)
        name, renewing = ("spare", spare) if spare else ("token", sealed)
        assert renewing is not None
        old = self._vault.open(renewing, _TABLE, account.id, name)
        try:
            granted = await self._access.renewed(flavour, old)
        except TokenRefused as error:
            # of Facebook's the user's is renewed; the Page's, which publishes, may live on
            if flavour is Flavour.INSTAGRAM:
                await self.refused(account.id, error, old)
            raise
        if not replaces(_life(account), granted, now):
            return False
        found = [
            one
            for one in await self._reached(flavour, granted.token, TokenFacts())
            if one.profile.id == account.identity
        ]
        if not found:
            return False
        async with self._database.write() as db:
            if await meta_accounts.sealed(db, account.id) != (sealed, spare):
                return False
            await self._seal(db, account.id, found[0].token, found[0].spare)
            await meta_accounts.change(
                db,
                account.id,
                issued_at=now,
                expires_at=granted.expires_at,
                refreshed_at=now,
                warned_days=None,
            )
        return True

    async def _warn(self, meta_id: int, now: datetime) -> None:
        async with self._database.write() as db:
            account = await meta_accounts.get(db, meta_id)
            if account is None or account.problem is not None:
                return
            ends_at = _life(account).ends_at
            if ends_at is not None and ends_at <= now:
                message = "The log-in at Meta has run out."
                await meta_accounts.change(db, meta_id, problem=message)
                await notices.add(
                    db,
                    account.user_id,
                    "meta_refused",
                    now,
                    account=account.username,
                    message=message,
                    next_step=TokenRefused.default_next_step,
                )
                return
            days = alert_due(ends_at, account.warned_days, now)
            if days is not None:
                await meta_accounts.change(db, meta_id, warned_days=days)
                await notices.add(
                    db, account.user_id, "meta_expiring", now, account=account.username, days=days
                )

    async def _seal(
        self, db: Transaction, meta_id: int, token: Secret, spare: Secret | None
    ) -> None:
        await meta_accounts.change(
            db,
            meta_id,
            sealed=self._vault.seal(token.reveal(), _TABLE, meta_id, "token"),
            spare=self._vault.seal(spare.reveal(), _TABLE, meta_id, "spare") if spare else None,
        )


def _life(account: MetaAccount) -> Life:
    return Life(
        Flavour(account.flavour),
        account.issued_at,
        account.expires_at,
        account.unlimited,
        account.data_ends_at,
    )


def _lives_long(facts: TokenFacts, now: datetime) -> bool:
    return facts.expires_at is not None and facts.expires_at - now > timedelta(days=2)
