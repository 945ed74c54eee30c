"""/library: the shelf, its filters, one sample's card, and what its buttons bring."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

from telegram.constants import ChatAction
from telegram.error import BadRequest

from bot.callbacks import Tap
from bot.cards import Card, esc
from bot.chat import Chat
from bot.importing import library_cards as cards
from bot.importing.parcels import UPLOAD, pack
from bot.router import Handler, Router
from services.errors import NotAllowed
from services.importing.harmony import KEYS, neighbours
from services.importing.library import FileMissing, Library, without
from storage.library import Filters, LibraryPost
from storage.samples import Sample, film_of

FLOW = "library_search"
WORDS = 100  # characters of a search
KNOWN = 1000  # names among which a tapped one is looked up
FILTERS = {field.name for field in fields(Filters)}


class LibraryScreen:
    """`paste`: what a link is for, also while a word to search for is awaited."""

    def __init__(self, library: Library, paste: Handler) -> None:
        self._library = library
        self._paste = paste

    def register(self, router: Router) -> None:
        router.command("library", self.open)
        router.area("lib", self.tapped)
        router.flow(FLOW, self.search)

    # ------------------------------------------------------------ the shelf

    async def open(self, chat: Chat) -> None:
        """/library is where it was left, /library word shows what has that word."""
        words = _words(chat.text)
        await self._show(chat, Filters(text=words) if words else None)

    async def search(self, chat: Chat) -> None:
        """A word that was sent while the filters were open."""
        if "://" in chat.text:
            await self._paste(chat)
            return
        await chat.end_flow()
        filters = await self._library.filters(chat.user.id)
        text = _words(chat.text).removeprefix("@").removeprefix("#")
        await self._show(chat, replace(filters, text=text, posts=()))

    async def _show(
        self, chat: Chat, filters: Filters | None = None, page: int | None = None
    ) -> None:
        await chat.show(
            cards.shelf(await self._library.shelf(chat.user.id, filters=filters, page=page))
        )

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        tap = chat.tap
        if tap.verb == "filter":
            await chat.ask(FLOW)
            await chat.show(cards.filters(await self._library.shelf(chat.user.id)))
            return
        if tap.verb not in CHOICES:
            await self._stop_asking(chat)
        match tap.verb:
            case "show":
                await self._show(chat)
            case "page":
                await self._show(chat, page=tap.id)
            case "clear":
                await self._show(chat, Filters())
            case "off" if tap.ref in FILTERS:
                filters = await self._library.filters(chat.user.id)
                await self._show(chat, without(filters, tap.ref))
            case verb if verb in CHOICES:
                await self._choose(chat, verb)
            case verb if verb in ("kind", "author", "tag", "bpm", "key", "since", "collection"):
                await self._filter(chat, tap)
            case _:
                await self._one(chat, tap.verb, tap.id)

    async def _stop_asking(self, chat: Chat) -> None:
        """The filters were left: the next word is none to search for."""
        flow = await chat.asked()
        if flow and flow.name == FLOW:
            await chat.end_flow()

    # ------------------------------------------------------------ filters

    async def _choose(self, chat: Chat, what: str) -> None:
        match what:
            case "authors":
                await chat.show(cards.authors(await self._library.choices(chat.user.id)))
            case "tags":
                await chat.show(cards.tags(await self._library.choices(chat.user.id)))
            case "from":
                await chat.show(cards.collections(await self._library.choices(chat.user.id)))
            case "tempos":
                await chat.show(cards.tempos())
            case "keys":
                await chat.show(cards.keys())
            case "dates":
                await chat.show(cards.dates())

    async def _filter(self, chat: Chat, tap: Tap) -> None:
        """Adds one filter to those that are on, and shows the shelf."""
        kept = replace(await self._library.filters(chat.user.id), posts=())
        match tap.verb:
            case "kind" if tap.ref in ("video", "photo"):
                kept = replace(kept, kind=tap.ref)
            case "author":
                known = await self._library.choices(chat.user.id, KNOWN)
                kept = replace(kept, author=_meant(known.authors, tap.ref))
            case "tag":
                known = await self._library.choices(chat.user.id, KNOWN)
                kept = replace(kept, tag=_meant(known.tags, tap.ref))
            case "bpm" if tap.id < len(cards.TEMPOS):
                kept = replace(kept, bpm=cards.TEMPOS[tap.id])
            case "key" if tap.id < len(KEYS):
                kept = replace(kept, keys=neighbours(KEYS[tap.id]))
            case "since" if tap.ref in cards.SINCE:
                start = chat.at - timedelta(days=cards.SINCE[tap.ref])
                kept = replace(kept, since=start.isoformat())
            case "collection":
                kept = replace(kept, collection_id=tap.id or None)
        await self._show(chat, kept)

    # ------------------------------------------------------------ one post

    async def _one(self, chat: Chat, verb: str, post_id: int) -> None:
        user_id = chat.user.id
        if verb == "undo":
            back = await self._library.put_back(user_id, post_id)
            await chat.toast("It is back." if back else "The time to undo is over.")
            await self._show(chat)
            return
        post, files = await self._library.post(user_id, post_id)
        match verb:
            case "open":
                await self._card(chat, post, files)
            case "play":
                await self._play(chat, post, files)
            case "wav":
                await self._convert(chat, "wav", post, files)
            case "mpeg":
                await self._convert(chat, "mp3", post, files)
            case "files":
                await self._files(chat, post, files)
            case "similar":
                view = await self._library.similar(user_id, post_id)
                if view:
                    await chat.show(cards.shelf(view))
                else:
                    await chat.toast("Nothing else in your library goes with it yet.")
            case "delete":
                await self._library.remove(user_id, post_id)
                await chat.show(cards.removed(post))
            case _:
                await chat.toast("That button is from another version. Open /library.")

    async def _card(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        """A picture where there is one: the waveform of a film, the thumbnail of a photo."""
        if cards.pending(files):
            await chat.toast("Its analysis is not through yet.")
        film = film_of(files)
        key = film.waveform_key if film else next((f.thumbnail_key for f in files), None)
        card = Card(cards.caption(post, files, chat.user.zone), cards.sample_keys(post, files))
        if key is None:
            await chat.show(card)
            return
        try:
            async with self._library.files([key]) as (path,):
                await chat.show_picture(path, card)
        except FileMissing:  # the picture can be drawn again, and what is known is still true
            await chat.show(card)

    async def _play(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        """Every sound of the post: a carousel can have several."""
        async with chat.busy(ChatAction.UPLOAD_DOCUMENT):
            for film in _heard(files):
                await self._sound(chat, post, film)

    async def _sound(self, chat: Chat, post: LibraryPost, film: Sample) -> None:
        assert film.audio_key is not None, "only films with sound"
        async with self._library.files([film.audio_key]) as (path,):
            size, name = path.stat().st_size, _of_sound(post, film, Path(film.audio_key).suffix)
            if size > UPLOAD:
                await self._link(chat, film.audio_key, name, size)
                return
            await chat.send_audio(
                path,
                name=name,
                title=cards.figures([film]) or post.shortcode,
                performer=f"@{post.author}",
                seconds=round(film.seconds or 0),
            )

    async def _convert(self, chat: Chat, kind: str, post: LibraryPost, files: list[Sample]) -> None:
        films = _heard(files)
        await chat.toast("Converting…")
        async with chat.busy(ChatAction.UPLOAD_DOCUMENT):
            for film in films:
                async with self._library.converted(film, kind) as path:
                    size = path.stat().st_size
                    if size > UPLOAD:
                        await chat.say(cards.sound_too_large(post.id, size))
                        return
                    await chat.send_document(path, _of_sound(post, film, f".{kind}"))

    async def _files(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        """Everything of the post: albums, photos that are too large for one, links."""
        parcels = pack(files)
        async with chat.busy(ChatAction.UPLOAD_DOCUMENT):
            for album in parcels.albums:
                await self._album(chat, post, album)
            for file in parcels.documents:
                await self._document(chat, post, file)
        for file in parcels.links:
            await self._link(chat, file.object_key, _of_file(post, file), file.bytes)

    async def _album(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        async with self._library.files([file.object_key for file in files]) as paths:
            try:
                await chat.send_album(
                    [(path, file.kind) for path, file in zip(paths, files, strict=True)],
                    caption=f"{cards.profile(post)} · {esc(post.shortcode, 40)}",
                )
            except BadRequest:  # one that Telegram can't read: as they are, then
                for file in files:
                    await self._document(chat, post, file)

    async def _document(self, chat: Chat, post: LibraryPost, file: Sample) -> None:
        async with self._library.files([file.object_key]) as (path,):
            await chat.send_document(path, _of_file(post, file))

    async def _link(self, chat: Chat, key: str, name: str, size: int) -> None:
        link = await self._library.link(chat.user.id, key, name)
        await chat.say(cards.too_large(size, link, leads=chat.user.leads))


CHOICES = frozenset({"authors", "tags", "from", "tempos", "keys", "dates"})


def _words(text: str) -> str:
    """What is searched for: no half letters and no zero bytes, which a database refuses."""
    return text.encode(errors="ignore").decode().replace("\0", "")[:WORDS].strip()


def _meant(names: list[tuple[str, int]], ref: str) -> str:
    """The name that a button stands for. Errors: NotAllowed."""
    for name, _ in names:
        if cards.ref(name) == ref:
            return name
    raise NotAllowed("Nothing of that is in your library any more.")


def _heard(files: list[Sample]) -> list[Sample]:
    """Errors: NotAllowed."""
    films = cards.heard(files)
    if not films:
        raise NotAllowed("This post has no sound.")
    return films


def _name(post: LibraryPost, ending: str) -> str:
    """A file name from the post's code, which is letters, digits, "-" and "_"."""
    return f"reelay_{post.shortcode.lstrip('-')}{ending}"


def _of_sound(post: LibraryPost, film: Sample, ending: str) -> str:
    return _name(post, f"_{film.position}{ending}" if post.kind == "carousel" else ending)


def _of_file(post: LibraryPost, file: Sample) -> str:
    return _name(post, f"_{file.position}{Path(file.object_key).suffix}")
