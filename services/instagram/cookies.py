"""Reads the Instagram cookies that a person sends: a file, an extension's JSON or a header line.

Called by the chat's /connect and by nobody else; the result is sealed in the vault and handed to
gallery-dl as Netscape text. Every way to get it wrong has its own sentence and its own next step.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from services.errors import BadCookies

MAX_BYTES = 256 * 1024

_LAST_SECOND = 253_402_300_799  # 9999-12-31: what a datetime can still hold
_MILLISECONDS_FROM = 100_000_000_000  # larger "seconds" are milliseconds of some exporter
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
# Real values hold quotes, commas and backslashes (`rur`); a semicolon would start another cookie.
_VALUE = re.compile(r"(?:[!-:<-~](?:[ -:<-~]{0,4096}[!-:<-~])?)?")
_DOMAIN = re.compile(r"\.?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_PATH = re.compile(r"/[!-:<-~]{0,512}")
_SECONDS = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_HEADER = re.compile(r"(?:cookie:)?\s*([^=;\s]{1,256}=[^\r\n]*)", re.IGNORECASE)
_USER_ID = re.compile(r"[0-9]{1,20}")
_SESSION_USER_ID = re.compile(r"([0-9]{1,20}):")

_EXPORT = "Log in on instagram.com in your browser, export cookies.txt again and send that file."


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. `expires`: Unix seconds, or None for a cookie of the browser's session."""

    domain: str
    path: str
    secure: bool
    expires: int | None
    name: str
    value: str = field(repr=False)
    http_only: bool = False


@dataclass(frozen=True, slots=True)
class InstagramCookies:
    """A logged-in session. `expires_at` is that of the session cookie: aware, UTC."""

    jar: tuple[Cookie, ...] = field(repr=False)
    user_id: str
    expires_at: datetime | None
    fingerprint: str
    session_id: str = field(repr=False)  # the value of the session cookie, as it was sent

    def netscape(self) -> str:
        """The jar as a cookies.txt, a secret as a whole. read_cookies() reads it back unchanged."""
        lines = ["# Netscape HTTP Cookie File"]
        for cookie in self.jar:
            fields = (
                ("#HttpOnly_" if cookie.http_only else "") + cookie.domain,
                "TRUE" if cookie.domain.startswith(".") else "FALSE",
                cookie.path,
                "TRUE" if cookie.secure else "FALSE",
                "0" if cookie.expires is None else str(cookie.expires),
                cookie.name,
                cookie.value,
            )
            lines.append("\t".join(fields))
        return "\n".join(lines) + "\n"


@dataclass(slots=True)
class _Found:
    """What a file holds: the readable cookies, and how many entries could not be used."""

    cookies: list[Cookie] = field(default_factory=list)
    unusable: int = 0

    def add(self, cookie: Cookie | None) -> None:
        if cookie is None:
            self.unusable += 1
        else:
            self.cookies.append(cookie)


def read_cookies(data: bytes, now: datetime) -> InstagramCookies:
    """Read an uploaded file or a pasted line, at most MAX_BYTES long; `now` is aware.

    Keeps every cookie of instagram.com and none of another site. Raises BadCookies only.
    """
    found = _parse(_decode(data))
    jar = _of_instagram(found)
    session = _session_cookie(jar, found.unusable, now)
    session_id = unquote(session.value)
    return InstagramCookies(
        jar=jar,
        user_id=_user_id(jar, session_id),
        expires_at=None
        if session.expires is None
        else datetime.fromtimestamp(session.expires, UTC),
        fingerprint=hashlib.sha256(session_id.encode()).hexdigest()[:4],
        session_id=session.value,
    )


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise BadCookies(
            f"That file is too large for cookies: {len(data) // 1024} kB, the limit is 256 kB.",
            "Export only the cookies of instagram.com and send that file.",
        )
    if data.startswith(_ARCHIVES):
        raise BadCookies(
            "That is a packed archive (zip).", "Unpack it and send the cookies.txt that is inside."
        )
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadCookies(
            "That file is not text, so it can't be cookies.txt.",
            "Export the cookies as a cookies.txt (Netscape) or JSON file and send that.",
        )
    if not text.strip():
        raise BadCookies("That file is empty.", _EXPORT)
    if text.lstrip().startswith("<"):
        raise BadCookies(
            "That is a web page (HTML), not its cookies.",
            "Use the browser extension's Export button, not Save page as, and send cookies.txt.",
        )
    return text


def _parse(text: str) -> _Found:
    start = text.lstrip()
    if start.startswith(("[", "{")):
        found = _parse_json(text)
    elif header := _HEADER.fullmatch(text.strip()):
        found = _parse_header(header[1])
    else:
        found = _parse_netscape(text.splitlines())
    if not found.cookies:
        raise _malformed()
    return found


def _malformed() -> BadCookies:
    return BadCookies(
        "I can't find readable cookies in that.",
        "Send cookies.txt (Netscape), the extension's JSON export,"
        " or one line such as sessionid=…; ds_user_id=…",
    )


def _parse_netscape(lines: Iterable[str]) -> _Found:
    """Seven fields a line: domain, with subdomains, path, secure, expires, name, value."""
    found = _Found()
    for raw in lines:
        line = raw.strip(" \r\n")
        http_only = line.startswith("#HttpOnly_")
        line = line.removeprefix("#HttpOnly_")
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t") if "\t" in line else line.split(None, 6)
        if len(fields) == 6:  # the tab before an empty value was lost on the way
            fields.append("")
        flags = {"TRUE": True, "FALSE": False}
        if len(fields) != 7 or not {fields[1].upper(), fields[3].upper()} <= flags.keys():
            found.add(None)
            continue
        domain, subdomains, path, secure, expires, name, value = fields
        found.add(
            _cookie(
                domain=domain,
                subdomains=flags[subdomains.upper()],
                path=path,
                secure=flags[secure.upper()],
                expires=expires,
                name=name,
                value=value,
                http_only=http_only,
            )
        )
    return found


def _parse_json(text: str) -> _Found:
    """An array as browser extensions write it, bare or under "cookies"."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if isinstance(content, dict):
        content = content.get("cookies")
    if not isinstance(content, list):
        raise _malformed()
    found = _Found()
    for entry in content:
        if not isinstance(entry, dict):
            found.add(None)
            continue
        # Chrome's extensions, Playwright and Selenium each have their own word for it.
        expires = next(
            (entry[key] for key in ("expirationDate", "expires", "expiry") if key in entry), None
        )
        found.add(
            _cookie(
                domain=entry.get("domain"),
                subdomains=entry.get("hostOnly") is False,
                path=entry.get("path", "/"),
                secure=entry.get("secure") is True,
                expires=expires,
                name=entry.get("name"),
                value=entry.get("value"),
                http_only=entry.get("httpOnly") is True,
            )
        )
    return found


def _parse_header(line: str) -> _Found:
    found = _Found()
    for pair in line.split(";"):
        name, equals, value = pair.strip().partition("=")
        if not equals:
            continue  # a trailing semicolon
        found.add(
            _cookie(
                domain=".instagram.com",
                subdomains=True,
                path="/",
                secure=True,
                expires=None,
                name=name,
                value=value,
                http_only=False,
            )
        )
    return found


def _cookie(
    *,
    domain: object,
    subdomains: bool,
    path: object,
    secure: bool,
    expires: object,
    name: object,
    value: object,
    http_only: bool,
) -> Cookie | None:
    """A checked cookie, or None: what is written back must not be able to forge a second line."""
    if not (
        isinstance(domain, str)
        and isinstance(path, str)
        and isinstance(name, str)
        and isinstance(value, str)
    ):
        return None
    domain, path, name, value = domain.strip().lower(), path.strip(), name.strip(), value.strip()
    if subdomains and not domain.startswith("."):
        domain = "." + domain
    if not (
        _DOMAIN.fullmatch(domain)
        and _PATH.fullmatch(path)
        and _NAME.fullmatch(name)
        and _VALUE.fullmatch(value)
    ):
        return None
    return Cookie(domain, path, secure, _seconds(expires), name, value, http_only)


def _seconds(expires: object) -> int | None:
    """Unix seconds; None for "ends with the browser" and for what is not a time."""
    if isinstance(expires, str):
        seconds = float(expires) if _SECONDS.fullmatch(expires.strip()) else 0.0
    elif isinstance(expires, int | float) and abs(expires) < 1e20 and math.isfinite(expires):
        seconds = float(expires)
    else:
        return None
    if seconds > _MILLISECONDS_FROM:
        seconds /= 1000
    return int(seconds) if 1 <= seconds <= _LAST_SECOND else None


def _is_instagram(domain: str) -> bool:
    return domain == "instagram.com" or domain.endswith(".instagram.com")


def _of_instagram(found: _Found) -> tuple[Cookie, ...]:
    """Instagram's cookies; a later one replaces an earlier one, as in a browser."""
    jar = {
        (cookie.domain, cookie.path, cookie.name): cookie
        for cookie in found.cookies
        if _is_instagram(cookie.domain)
    }
    if not jar:
        site = found.cookies[0].domain.lstrip(".")[:80]
        raise BadCookies(
            f"Those are the cookies of {site}, not of instagram.com.",
            "Open instagram.com in your browser, log in, and export the cookies of that page.",
        )
    return tuple(jar.values())


def _session_cookie(jar: Iterable[Cookie], unusable: int, now: datetime) -> Cookie:
    sessions = [cookie for cookie in jar if cookie.name == "sessionid" and cookie.value.strip('"')]
    if not sessions and unusable:
        raise _malformed()
    if not sessions:
        raise BadCookies(
            "Those cookies are of instagram.com, but nobody is logged in there: no sessionid.",
            "Log in on instagram.com first, then export the cookies again."
            " (A tool that leaves out HttpOnly cookies leaves out the session too.)",
        )
    session = max(sessions, key=lambda c: _LAST_SECOND if c.expires is None else c.expires)
    if session.expires is not None and session.expires <= now.timestamp():
        day = datetime.fromtimestamp(session.expires, UTC)
        raise BadCookies(
            f"Those cookies expired on {day.day} {day:%B %Y}.",
            _EXPORT,
        )
    return session


def _user_id(jar: Iterable[Cookie], session_id: str) -> str:
    """The account's number. The session names it itself; ds_user_id is what the browser noted."""
    if owner := _SESSION_USER_ID.match(session_id.strip('"')):
        return owner[1]
    for cookie in jar:
        if cookie.name == "ds_user_id" and _USER_ID.fullmatch(cookie.value.strip('"')):
            return cookie.value.strip('"')
    raise BadCookies(
        "Those cookies don't say whose they are: ds_user_id is missing.",
        "Send all cookies of instagram.com, not only sessionid.",
    )
