"""/library: the shelf, its filters, one sample's card, and what its buttons bring."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.callbacks import Tap
from bot.cards import Card, button, esc
from bot.chat import Chat
from bot.importing import library_cards as cards
from bot.router import Router
from services.errors import NotAllowed
from services.importing.harmony import KEYS, neighbours
from services.importing.library import Library
from storage.library import Filters, LibraryPost
from storage.samples import Sample

FLOW = "library_search"
TELEGRAM_LIMIT = 50_000_000
ALBUM = 10


class LibraryScreen:
    def __init__(self, library: Library) -> None:
        self._library = library

    def register(self, router: Router) -> None:
        router.command("library", self.open)
        router.area("lib", self.tapped)
        router.flow(FLOW, self.search)

    # ------------------------------------------------------------ the shelf

    async def open(self, chat: Chat) -> None:
        filters = Filters(text=chat.text[:100]) if chat.text else None
        await self._show(chat, filters)

    async def search(self, chat: Chat) -> None:
        """A word that was sent while the filters were open."""
        await chat.end_flow()
        filters = await self._library.filters(chat.user.id)
        await self._show(chat, replace(filters, text=chat.text[:100], posts=()))

    async def _show(
        self, chat: Chat, filters: Filters | None = None, page: int | None = None
    ) -> None:
        await chat.show(
            cards.shelf(await self._library.shelf(chat.user.id, filters=filters, page=page))
        )

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        tap = chat.tap
        match tap.verb:
            case "show":
                await self._show(chat)
            case "page":
                await self._show(chat, page=tap.id)
            case "clear":
                await chat.end_flow()
                await self._show(chat, Filters())
            case "filter" | "authors" | "tags" | "tempos" | "keys" | "dates" | "from":
                await self._choose(chat, tap.verb)
            case "kind" | "author" | "tag" | "bpm" | "key" | "since" | "collection":
                await self._filter(chat, tap)
            case _:
                await self._one(chat, tap.verb, tap.id)

    # ------------------------------------------------------------ filters

    async def _choose(self, chat: Chat, what: str) -> None:
        user_id = chat.user.id
        match what:
            case "filter":
                await chat.ask(FLOW)
                await chat.show(cards.filters(await self._library.filters(user_id)))
            case "authors":
                await chat.show(cards.authors(await self._library.choices(user_id)))
            case "tags":
                await chat.show(cards.tags(await self._library.choices(user_id)))
            case "from":
                await chat.show(cards.collections(await self._library.choices(user_id)))
            case "tempos":
                await chat.show(cards.tempos())
            case "keys":
                await chat.show(cards.keys())
            case "dates":
                await chat.show(cards.dates())

    async def _filter(self, chat: Chat, tap: Tap) -> None:
        """Adds one filter to those that are on, and shows the shelf."""
        await chat.end_flow()
        filters = replace(await self._library.filters(chat.user.id), posts=())
        choices = await self._library.choices(chat.user.id)
        match tap.verb:
            case "kind" if tap.ref in ("video", "photo"):
                filters = replace(filters, kind=tap.ref)
            case "author" if tap.id < len(choices.authors):
                filters = replace(filters, author=choices.authors[tap.id][0])
            case "tag" if tap.id < len(choices.tags):
                filters = replace(filters, tag=choices.tags[tap.id][0])
            case "bpm" if tap.id < len(cards.TEMPOS):
                filters = replace(filters, bpm=cards.TEMPOS[tap.id])
            case "key" if tap.id < len(KEYS):
                filters = replace(filters, keys=neighbours(KEYS[tap.id]))
            case "since" if tap.ref in cards.SINCE:
                start = chat.at - timedelta(days=cards.SINCE[tap.ref])
                filters = replace(filters, since=start.isoformat())
            case "collection":
                filters = replace(filters, collection_id=tap.id)
        await self._show(chat, filters)

    # ------------------------------------------------------------ one post

    async def _one(self, chat: Chat, verb: str, post_id: int) -> None:
        user_id = chat.user.id
        match verb:
            case "open":
                await self._card(chat, *await self._library.post(user_id, post_id))
            case "play":
                await self._play(chat, *await self._library.post(user_id, post_id))
            case "wav" | "mp3":
                await self._convert(chat, verb, *await self._library.post(user_id, post_id))
            case "files":
                await self._files(chat, *await self._library.post(user_id, post_id))
            case "similar":
                view = await self._library.similar(user_id, post_id)
                if view.total:
                    await chat.show(cards.shelf(view))
                else:
                    await chat.toast("Nothing in your library goes with it yet.")
            case "delete":
                if not await self._library.remove(user_id, post_id):
                    raise NotAllowed
                await chat.show(cards.removed(post_id))
            case "undo":
                back = await self._library.put_back(user_id, post_id)
                await chat.toast("It is back." if back else "The time to undo is over.")
                await self._show(chat)

    async def _card(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        """A picture where there is one: the waveform of a film, the thumbnail of a photo."""
        film = cards.film_of(files)
        key = film.waveform_key if film else next((f.thumbnail_key for f in files), None)
        caption = cards.caption(post, files, chat.user.zone)
        rows = cards.sample_keys(post, files)
        if key is None:
            await chat.show(Card(caption, rows))
            return
        async with self._library.file(key) as path:
            await chat.send_photo(path, Card(caption, rows))

    async def _play(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        film = cards.film_of(files)
        if film is None or film.audio_key is None:
            raise NotAllowed("This post has no sound.", "Press Video to get the film.")
        async with self._library.file(film.audio_key) as path:
            await chat.send_audio(
                path,
                name=_name(post, path.suffix),
                title=cards.figures(film) or post.shortcode,
                performer=f"@{post.author}",
                seconds=int(film.seconds or 0),
            )

    async def _convert(self, chat: Chat, kind: str, post: LibraryPost, files: list[Sample]) -> None:
        film = cards.film_of(files)
        if film is None:
            raise NotAllowed("This post has no sound.")
        await chat.toast("Converting…")
        async with self._library.converted(film, kind) as path:
            await chat.send_document(path, _name(post, f".{kind}"))

    async def _files(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        """Everything of the post: one file, or albums of ten; large ones as links."""
        large = [file for file in files if file.bytes > TELEGRAM_LIMIT]
        small = [file for file in files if file.bytes <= TELEGRAM_LIMIT]
        for start in range(0, len(small), ALBUM):
            await self._album(chat, post, small[start : start + ALBUM])
        for file in large:
            name = _name(post, f"_{file.position}.mp4")
            link = await self._library.link(chat.user.id, file.object_key, name)
            await chat.say(
                Card(
                    f"{file.bytes / 1e6:,.0f} MB are too many for Telegram. This link works for a "
                    f"day, and a download that breaks off can go on:\n"
                    f"<code>{esc(link, 300)}</code>",
                    ((button("‹ Library", "lib", "show"),),),
                )
            )

    async def _album(self, chat: Chat, post: LibraryPost, files: list[Sample]) -> None:
        async with self._library.paths([file.object_key for file in files]) as paths:
            await chat.send_album(
                [(path, file.kind) for path, file in zip(paths, files, strict=True)],
                caption=f"@{post.author} · {post.shortcode}",
            )


def _name(post: LibraryPost, ending: str) -> str:
    """A file name from nothing but what we made ourselves."""
    return f"reelay_{post.shortcode.lstrip('-')}{ending}"
