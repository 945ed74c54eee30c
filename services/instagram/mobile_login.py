"""The ways into an account: a browser's session, a password, and the codes that are asked for.

Called by mobile_session.py in the account's thread. Each step is taken once: a refused password or
code is reported, never sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from instagrapi import exceptions
from instagrapi.mixins.bloks import AP_2SV_CODE_ENTRY_ASYNC, CAA_API_DOMAIN

from services.errors import Checkpoint, InstagramError, NotFound, RateLimited, Unavailable
from services.instagram.mobile_client import Client
from services.instagram.mobile_errors import CodeKind, Credentials, LoginRefused
from services.instagram.mobile_verdict import judge
from services.instagram.mobile_wire import Wire

_VERIFY_STEPS = {
    "select_verify_method",
    "verify_email",
    "verify_email_code",
    "verify_phone",
    "verify_phone_code",
    "verify_sms",
    "verify_sms_code",
}
_CHOICES: dict[CodeKind, str] = {"sms": "0", "email": "1"}
# how the older log-in calls what proves a second factor
_METHODS: dict[CodeKind, str] = {"sms": "1", "app": "3", "whatsapp": "6"}
_BACKUP = "2"
_BACKUP_CODE = re.compile(r"\d{8}")  # those of the other kinds have six digits
_SESSION_ID = re.compile(r"(\d{1,20})(?::|%3A)[!-~]{20,500}", re.IGNORECASE)
_WRONG_PASSWORD = (
    "incorrect password",
    "password you entered is incorrect",
    "password was incorrect",
    "bad_password",
    "username you entered",
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A log-in that waits for a code; `way` says which step takes it."""

    way: Literal["two-factor", "bloks", "profile", "challenge"]
    kind: CodeKind
    hint: str
    token: str = field(repr=False)
    aac: str = field(default="", repr=False)


def user_of(session_id: str) -> str:
    """The account's number, "" if that is no session id of Instagram."""
    match = _SESSION_ID.fullmatch(session_id.strip('"'))
    return match[1] if match else ""


def session_from(session_id: str) -> dict[str, Any]:
    """Settings of a session with the `sessionid` cookie of a browser."""
    user_id, session_id = user_of(session_id), session_id.strip('"')
    authorization = {
        "ds_user_id": user_id,
        "sessionid": session_id,
        "should_use_header_over_cookies": True,
    }
    cookies = {"sessionid": session_id, "ds_user_id": user_id}
    return {"authorization_data": authorization, "cookies": cookies}


def enter(client: Client, wire: Wire, credentials: Credentials) -> Pending | None:
    """Log in with the password; the client has no session. None: it has one now.

    Errors: LoginRefused, Checkpoint, RateLimited, Unavailable.
    """
    try:
        client.login(credentials.username, credentials.password)
    except exceptions.TwoFactorRequired:
        return _two_factor(client, wire)
    except exceptions.ChallengeRequired:
        return _profile_code(client) or _challenge(client, wire)
    finally:
        client.password = None
    return None


def finish(client: Client, pending: Pending, username: str, code: str) -> bool:
    """Give the code. False: it was right, but the log-in has to be done once more.

    Whatever instagrapi raises means that the code was not taken; see `not_taken`.
    """
    client.username = username
    match pending.way:
        case "two-factor":
            data = {
                "verification_code": code,
                "phone_id": client.phone_id,
                "_csrftoken": client.token,
                "two_factor_identifier": pending.token,
                "username": username,
                "trust_this_device": "0",
                "guid": client.uuid,
                "device_id": client.android_device_id,
                "waterfall_id": client.generate_uuid(),
                "verification_method": _BACKUP
                if _BACKUP_CODE.fullmatch(code)
                else _METHODS[pending.kind],
            }
            client.private_request("accounts/two_factor_login/", data, login=True)
            return _take_authorization(client)
        case "bloks":
            known = {"two_step_verification_context": pending.token}
            refused = exceptions.TwoFactorRequired("the code was not taken")
            return bool(client._login_with_bloks_two_factor(code, known, refused))
        case "profile":
            client.caa_aac = pending.aac
            answer = client.bloks_ap_two_step_verification_submit_code(
                pending.token, code, domain=CAA_API_DOMAIN
            )
            if not client.bloks_apply_login_response(answer):
                raise exceptions.ChallengeError("the code was not taken")
            return True
        case "challenge":
            client.private_request(pending.token, {"security_code": code}, login=True)
            return _take_authorization(client)


def not_taken(wire: Wire) -> InstagramError | None:
    """Why a code was not taken; None: because it is wrong. LoginRefused: nobody waits for it."""
    error = judge(wire.answer)
    if isinstance(error, NotFound):
        return LoginRefused(late=True)
    return error if isinstance(error, Checkpoint | RateLimited | Unavailable) else None


def refusal(wire: Wire) -> InstagramError:
    """The error of a log-in that failed. What nobody understands is a refusal too, so that no
    program tries a password again."""
    error = judge(wire.answer)
    if isinstance(error, Checkpoint | RateLimited | Unavailable):
        return error
    said = wire.answer.body.lower() if wire.answer else ""
    return LoginRefused(wrong=any(words in said for words in _WRONG_PASSWORD))


def _two_factor(client: Client, wire: Wire) -> Pending:
    content = wire.answer.content() if wire.answer else None
    match content:
        case {"two_factor_info": {"two_factor_identifier": str(token), **info}}:
            kind = _second_factor(info)
            ending = str(info.get("obfuscated_phone_number") or "")
            return Pending("two-factor", kind, "" if kind == "app" else ending, token)
    context = client.bloks_extract_two_step_verification_context(client.last_json)
    if not context:
        raise LoginRefused
    return Pending("bloks", "app", "", context)


def _second_factor(info: Mapping[Any, Any]) -> CodeKind:
    """The app is asked before the telephone: its codes cost no message."""
    if info.get("totp_two_factor_on"):
        return "app"
    if info.get("whatsapp_two_factor_on"):
        return "whatsapp"
    return "sms" if info.get("sms_two_factor_on") else "app"


def _profile_code(client: Client) -> Pending | None:
    """The newer form of a challenge, which ends at a screen for the code."""
    context = client.bloks_extract_context_data(client.last_json, AP_2SV_CODE_ENTRY_ASYNC)
    return Pending("profile", "email", "", context, client.caa_aac) if context else None


def _challenge(client: Client, wire: Wire) -> Pending:
    """Have a code sent. Only here, where a person waits for it. Errors: Checkpoint if it takes
    more than a code."""
    asked = wire.answer.content() if wire.answer else None
    match asked:
        case {"challenge": {"api_path": str(path), **challenge}}:
            pass
        case _:
            raise judge(wire.answer)
    if not path.startswith("/challenge/") or challenge.get("native_flow"):
        raise judge(wire.answer)
    path = path.lstrip("/")
    context = challenge.get("challenge_context") or _context_of(path)
    params = {"guid": client.uuid, "device_id": client.android_device_id}
    step = client.private_request(path, params={**params, "challenge_context": context}, login=True)
    name, data = str(step.get("step_name")), step.get("step_data")
    if name not in _VERIFY_STEPS or not isinstance(data, dict):
        raise Checkpoint
    kind: CodeKind = "sms" if "phone" in name or "sms" in name else "email"
    if name == "select_verify_method":
        kind = "email" if "email" in data else "sms"
        client.private_request(path, {"choice": _CHOICES[kind]}, login=True)
    hint = data.get("email" if kind == "email" else "phone_number") or data.get("contact_point")
    return Pending("challenge", kind, hint if isinstance(hint, str) else "", path)


def _context_of(path: str) -> str:
    """What the app makes of "challenge/<user>/<nonce>/" where Instagram gives no context."""
    _, user_id, nonce = [*path.strip("/").split("/"), "", ""][:3]
    known = {"step_name": "", "nonce_code": nonce, "is_stateless": False}
    return json.dumps({**known, "user_id": int(user_id) if user_id.isdecimal() else 0})


def _take_authorization(client: Client) -> bool:
    header = client.last_response.headers.get("ig-set-authorization")
    if header:
        client.authorization_data = client.parse_authorization(header)
    return bool(header) and bool(client.user_id)
