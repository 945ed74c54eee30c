"""Taking an analysis along: which fields, the file, those of before; and its page. Pure functions,
shown by bot/analysis/taking.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.analysis import words
from bot.analysis.words import MENU, REPORTS
from bot.cards import Button, Card, address_keys, button, clock_time, count, day, esc, verb
from bot.numbers import file_size
from services.analysis.exports import Made
from services.analysis.reports import Address
from services.analysis.tables_out import COLUMNS
from services.analysis.views import View
from services.sheets import Form
from storage.people import User
from storage.reports import Report

FORMS = {Form.CSV: "CSV", Form.JSON: "JSON", Form.XLSX: "XLSX"}
FIELDS = {  # what is chosen together -> its columns
    "Link": ("shortcode", "url"),
    "Date": ("posted_at_utc", "posted_at_local"),
    "Caption": ("caption",),
    "Views": ("plays", "views"),
    "Likes, comments": ("likes", "likes_hidden", "comments"),
    "Engagement, tier": ("engagement", "medians", "tier"),
    "Length": ("duration",),
    "Hashtags, names": ("hashtags", "mentions"),
    "Sound": ("audio_title", "audio_artist", "audio_original"),
    "Picture, number": ("thumbnail", "platform_id"),
}
PROFILE = 1 << len(FIELDS)  # the bit for what stands above the table
ALL = 2 * PROFILE - 1


# ---------------------------------------------------------------- which fields


def read_mask(text: str) -> int:
    """What a button carries, in hex; everything for what none has."""
    try:
        mask = int(text, 16)
    except ValueError:
        return ALL
    return mask & ALL


def columns(mask: int) -> tuple[str, ...]:
    """In the order of the table; () for all."""
    names = {
        name
        for bit, group in enumerate(FIELDS.values())
        if mask >> bit & 1
        for name in group
    }  # fmt: skip
    return () if names == set(COLUMNS) else tuple(name for name in COLUMNS if name in names)


def fields(view: View, mask: int) -> Card:
    item = view.item

    def toggle(label: str, bit: int) -> Button:
        on = "✓ " if mask & bit else "— "
        return button(on + label, "rep", "fields", f"{item.id}-{mask ^ bit:x}")

    keys = [toggle(label, 1 << at) for at, label in enumerate(FIELDS)]
    keys.append(toggle("Profile on top", PROFILE))
    rows = tuple(tuple(keys[at : at + 2]) for at in range(0, len(keys), 2))
    some = columns(mask) or mask & (PROFILE - 1)
    forms = tuple(
        button(label, "rep", form.value, f"{item.id}-{mask:x}") for form, label in FORMS.items()
    )
    return Card(
        f"☑️ What shall stand in the file of {words.title(item)} "
        f"({count(item.stored, 'reel')})?" + ("" if some else "\nChoose one field at least."),
        (*rows, forms if some else (), (words.back(item.id),)),
    )


# ---------------------------------------------------------------- the file


def building(view: View, form: Form) -> Card:
    return Card(
        f"⏳ Building {FORMS[form]} of {words.title(view.item)}: "
        f"{count(view.item.stored, 'reel')}. It arrives here by itself.",
        ((button("Cancel", "rep", "stop"), REPORTS),),
    )


def stopped(*, was: bool) -> Card:
    said = "The export was stopped. The analysis is as it was." if was else "None is being built."
    return Card(said, ((REPORTS, MENU),))


def ready(form: str, number: int, name: str, link: str | None, *, fits: bool) -> Card:
    """`fits`: the file goes with this message; else `link`, or None where there is no address."""
    said = f"📤 {count(number, 'reel')} as {FORMS[Form(form)]}."
    history = button("📤 Exports", "rep", "files")
    if fits:
        return Card(said, ((history, MENU),))
    return too_large(f"{said} ", name, link)


def too_large(said: str, name: str, link: str | None) -> Card:
    last = (button("📤 Exports", "rep", "files"), MENU)
    if link is None:
        return Card(
            f"{said}<code>{esc(name, 80)}</code> is too large for Telegram. Whoever runs this bot "
            "has to set <code>PUBLIC_URL</code>, then I can give a link to it.",
            (last,),
        )
    return Card(
        f"{said}<code>{esc(name, 80)}</code> is too large for Telegram, so here is a link, which "
        "works for a day and can be continued.",
        (address_keys(link, "⬇️ Download"), last),
    )


def failed() -> Card:
    return Card(
        "❌ The file could not be built. The analysis is as it was; press the button again, and if "
        "it stays tell whoever runs this bot.",
        ((REPORTS, MENU),),
    )


def files(made: Sequence[Made], names: dict[int, str], user: User, now: datetime) -> Card:
    """`names`: of the analyses that are there, by their number."""
    lines = ["📤 <b>Exports</b>, kept for a day"]
    rows = []
    for one in made:
        name = names.get(one.analysis_id, "")
        label = f"@{name[:24]}" if name else one.name[:30]
        about = words.link(name) if name else f"<code>{esc(one.name, 80)}</code>"
        until = clock_time(one.gone_at, user.zone, now)
        lines.append(
            f"{FORMS[one.form]} of {about}: {file_size(one.bytes)}, made "
            f"{clock_time(one.made_at, user.zone, now)}, here until {until}"
        )
        rows.append((button(f"⬇️ {FORMS[one.form]} {label}", "rep", "file", one.id),))
    if not made:
        lines.append("None is there. Open a report and press CSV, JSON or XLSX.")
    return Card("\n".join(lines), (*rows, (REPORTS, MENU)))


# ---------------------------------------------------------------- the page


def page(made: Address, user: User, *, public: bool, others: int) -> Card:
    """The only time that the address is shown. `public`: it works from everywhere."""
    where = (
        ""
        if public
        else "\n\n⚠️ PUBLIC_URL is not set, so it works only on the machine that Reelay runs on."
    )
    older = f" {count(others, 'older one')} still {verb(others, 'works', 'work')}."
    item = made.report.analysis_id
    return Card(
        f"🌐 The report as a page:\n<code>{esc(made.url, 500)}</code>\n\nWhoever has this address "
        f"sees it, until <b>{day(made.report.expires_at, user.zone)}</b>. I keep no copy, so it is "
        f"not shown again.{older if others else ''}{where}",
        (
            address_keys(made.url, "🌐 Open" if public else ""),
            (button("🚫 Revoke…", "rep", "page_off", item), MENU),
        ),
    )


def pages(view: View, working: Sequence[Report], user: User) -> Card:
    """There are addresses already: another one, or none any more."""
    item = view.item
    lines = [f"🌐 {words.title(item)} has {count(len(working), 'address', 'addresses')} as a page:"]
    lines += [
        f"made {day(one.created_at, user.zone)}, works until {day(one.expires_at, user.zone)}"
        for one in working[-5:]
    ]
    lines.append("An address is shown once. If you have lost it, make another one.")
    return Card(
        "\n".join(lines),
        (
            (button("➕ New address", "rep", "page_new", item.id),),
            (button("🚫 Revoke…", "rep", "page_off", item.id), words.back(item.id)),
        ),
    )


def revoke_sure(view: View, number: int) -> Card:
    item = view.item
    what = "The address" if number == 1 else f"All {number} addresses"
    return Card(
        f"🚫 Revoke? {what} of {words.title(item)} will open nothing any more, whoever has a copy. "
        "The analysis stays.",
        (
            (
                button("🚫 Revoke", "rep", "page_off_yes", item.id),
                button("Keep", "rep", "page", item.id),
            ),
        ),
    )


def revoked(view: View) -> Card:
    item = view.item
    return Card(
        f"🚫 No address of {words.title(item)} opens anything any more. The analysis is as it was.",
        ((button("🌐 New address", "rep", "page_new", item.id), words.back(item.id)),),
    )
