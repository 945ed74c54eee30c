"""Taking the library along: the question what and how, and the notices that bring it.

The buttons stand on the shelf and on a collection's card; bot/notices.py takes the texts.
"""

from __future__ import annotations

from bot.cards import Button, Card, address_keys, button, count, esc
from bot.chat import Chat
from bot.importing import library_cards
from bot.router import Router
from services.errors import NotAllowed
from services.importing.export import Form, LibraryExport, Offer

FORMS = {Form.CSV: "CSV", Form.JSON: "JSON", Form.SOUND: "Sound (zip)"}
LIBRARY = library_cards.LIBRARY


class ExportScreen:
    def __init__(self, exports: LibraryExport) -> None:
        self._exports = exports

    def register(self, router: Router) -> None:
        router.area("exp", self.tapped)

    async def tapped(self, chat: Chat) -> None:
        """The ref is a collection's number; without one it is the library as it is filtered."""
        assert chat.tap is not None
        tap = chat.tap
        match tap.verb:
            case "ask":
                await chat.show(ask(await self._exports.offer(chat.user.id, tap.id), tap.id))
            case "csv" | "json" | "sound":
                form = Form(tap.verb)
                await chat.show(building(await self._exports.begin(chat.user.id, form, tap.id)))
            case "cancel":
                stopped = await self._exports.cancel(chat.user.id)
                await chat.show(cancelled() if stopped else nothing_to_cancel())
            case _:
                raise NotAllowed("That button is from another version.", "Open /library.")


# ---------------------------------------------------------------- cards


def ask(offer: Offer, collection_id: int) -> Card:
    looked_for = library_cards.describe(offer.filters, offer.collection)
    if not offer.posts:
        return Card(f"There is nothing to export{looked_for}.", ((LIBRARY,),))
    ref = collection_id or ""
    return Card(
        f"<b>Export</b> · {count(offer.posts, 'post')}{looked_for}\n"
        "CSV opens in Excel, JSON is for programs: both have a line for each post with link, "
        "author, words, tempo and key. The zip has the sound of the films.",
        (
            tuple(button(label, "exp", form.value, ref) for form, label in FORMS.items()),
            (LIBRARY,),
        ),
    )


def building(offer: Offer) -> Card:
    return Card(
        f"⏳ Building the export of {count(offer.posts, 'post')}. It arrives here by itself; you "
        "can go on meanwhile.",
        ((button("Cancel", "exp", "cancel"), LIBRARY),),
    )


def cancelled() -> Card:
    return Card("The export was stopped. Your library is as it was.", ((LIBRARY,),))


def nothing_to_cancel() -> Card:
    return Card("No export is being built any more.", ((LIBRARY,),))


# ---------------------------------------------------------------- notices


def ready(form: str, number: int, left_out: int, links: list[tuple[str, str | None]]) -> Card:
    """`links`: (name, address) of what is too large for the chat; None: there is no address."""
    if form == Form.SOUND:
        what = f"{count(number, 'sound')} of your library"
    else:
        what = f"{count(number, 'post')} of your library as {FORMS[Form(form)]}"
    if form == Form.SOUND and not number and not links:
        return Card("None of these posts has a sound to export.", ((LIBRARY,),))
    lines = [f"📤 Here is what you asked for: {what}."]
    if left_out:
        lines.append(
            f"{count(left_out, 'sound')} did not fit. Filter the library more narrowly and export "
            "the rest."
        )
    keys: list[tuple[Button, ...]] = []
    for name, address in links:
        if address is None:
            lines.append(
                f"<code>{esc(name, 80)}</code> is too large for Telegram. Whoever runs this bot "
                "has to set <code>PUBLIC_URL</code>, then I can give a link to it."
            )
        else:
            keys.append(address_keys(address, f"⬇️ {name[:40]}", f"📋 {name[:40]}")[:1])
    if keys:
        lines.append("What is too large for Telegram comes by a link, which works for a day.")
    return Card("\n".join(lines), (*keys, (LIBRARY,)))


def failed() -> Card:
    return Card(
        "❌ Your export could not be built. Your library is as it was; try again, and if it stays "
        "tell whoever runs this bot.",
        ((library_cards.EXPORT, LIBRARY),),
    )
