"""The figures taken along: as files, and the address of their page. Pure; shown by
bot/insights/taking.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.cards import Card, address_keys, count, day, esc, verb
from bot.insights.cards import back
from bot.insights.places import Place
from bot.insights.words import MENU, account_link
from services.insights.exports import Files
from services.insights.pages import Address
from services.sheets import Form
from storage.insight_pages import Page
from storage.insights import InsightAccount
from storage.people import User

FORMS = {Form.CSV: "CSV", Form.JSON: "JSON", Form.XLSX: "XLSX"}
POSTS_NOTE = "📤 How each post and reel stood on each day."


# ---------------------------------------------------------------- files


def values_note(made: Files, form: Form) -> str:
    """Below the file."""
    cut = ", the newest; older ones are left out" if made.cut else ""
    return (
        f"📤 {count(made.lines, 'value')} as {FORMS[form]}{cut}. Where there is no number the file "
        "says why, and where Meta corrected one, what it was before."
    )


def too_large(form: Form, place: Place) -> Card:
    return _too_large("The figures are", form, place)


def posts_too_large(form: Form, place: Place) -> Card:
    return _too_large("The days of the posts and reels are", form, place)


def _too_large(what: str, form: Form, place: Place) -> Card:
    """XLSX is packed, so after it there is no smaller file."""
    said = f"📤 {what} larger as {FORMS[form]} than a bot may send."
    if form is Form.XLSX:
        return Card(
            f"{said} They stay as they are; a page shows the figures without a file.",
            ((place.to("🌐 Page", "page"), back(place)), (MENU,)),
        )
    return Card(
        f"{said} XLSX is packed and much smaller.",
        ((place.to("XLSX", "xlsx"), back(place)), (MENU,)),
    )


def nothing(place: Place) -> Card:
    return Card("📤 There is no figure to export yet.", ((back(place), MENU),))


# ---------------------------------------------------------------- the page


def page(made: Address, place: Place, user: User, *, public: bool, others: int) -> Card:
    """The only time that the address is shown. `public`: it works from everywhere."""
    where = (
        ""
        if public
        else "\n\n⚠️ PUBLIC_URL is not set, so it works only on the machine that Reelay runs on."
    )
    older = f" {count(others, 'older one')} still {verb(others, 'works', 'work')}."
    keys = address_keys(made.url, "🌐 Open" if public else "")
    return Card(
        f"🌐 The figures as a page:\n<code>{esc(made.url, 500)}</code>\n\nWhoever has this address "
        f"sees them, until <b>{day(made.page.expires_at, user.zone)}</b>, always the newest. I "
        f"keep no copy of the address, so it is not shown again.{older if others else ''}{where}",
        (keys, (place.to("🚫 Revoke…", "page_off"), MENU)),
    )


def pages(account: InsightAccount, working: Sequence[Page], place: Place, user: User) -> Card:
    """There are addresses already: another one, or none any more."""
    number = count(len(working), "address", "addresses")
    lines = [f"🌐 {account_link(account)} has {number} as a page:"]
    lines += [
        f"made {day(one.created_at, user.zone)}, works until {day(one.expires_at, user.zone)}"
        for one in working[-5:]
    ]
    lines.append("An address is shown once. If you have lost it, make another one.")
    return Card(
        "\n".join(lines),
        (
            (place.to("➕ New address", "page_new"),),
            (place.to("🚫 Revoke…", "page_off"), back(place)),
        ),
    )


def revoke_sure(account: InsightAccount, number: int, place: Place) -> Card:
    what = "The address" if number == 1 else f"All {number} addresses"
    return Card(
        f"🚫 Revoke? {what} of {account_link(account)} will open nothing any more, whoever has a "
        "copy. The figures stay.",
        ((place.to("🚫 Revoke", "page_off_yes"), place.to("Keep", "page")),),
    )


def revoked(account: InsightAccount, place: Place) -> Card:
    return Card(
        f"🚫 No address of {account_link(account)} opens anything any more. The figures are as "
        "they were.",
        ((place.to("🌐 New address", "page_new"), back(place)),),
    )
