"""/feed: how the feeds are, their switches, stories, readers, webhook, and what is kept."""

from __future__ import annotations

from bot.cards import Card, button, esc
from bot.chat import Chat
from bot.feed import cards, settings_cards, story_cards
from bot.router import Router
from services.errors import BadInput, NotAllowed
from services.feed.readers import Opened, Readers, qr_code
from services.feed.retention import CHOICES, Retention
from services.feed.service import HomeFeed
from services.feed.status import FeedStatuses
from services.web.webhooks import Webhooks
from storage.feeds import Feed
from storage.readers import Reader

NAME_FLOW = "feed_reader"
ADDRESS_FLOW = "feed_webhook"


class FeedScreen:
    """`public`: the addresses of readers work from everywhere."""

    def __init__(
        self,
        statuses: FeedStatuses,
        home_feed: HomeFeed,
        readers: Readers,
        webhooks: Webhooks,
        retention: Retention,
        *,
        public: bool,
    ) -> None:
        self._statuses = statuses
        self._home_feed = home_feed
        self._readers = readers
        self._webhooks = webhooks
        self._retention = retention
        self._public = public

    def register(self, router: Router) -> None:
        router.command("feed", self.open)
        router.area("feed", self.tapped)
        router.flow(NAME_FLOW, self.receive_name)
        router.flow(ADDRESS_FLOW, self.receive_address)

    async def open(self, chat: Chat) -> None:
        view = await self._statuses.of_user(chat.user.id)
        await chat.show(cards.overview(view, chat.user.zone, chat.at))

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        verb = chat.tap.verb
        if verb.startswith("hook"):
            await self._webhook(chat, verb)
        elif verb.startswith("keep"):
            await self._keep(chat, verb)
        elif verb.startswith("stories"):
            await self._stories(chat, verb)
        elif verb in ("on", "off", "now", "confirmed"):
            await self._switch(chat, verb)
        elif verb in ("show", "cancel"):
            await chat.end_flow()
            await self.open(chat)
        else:
            await self._reader(chat, verb)

    # ------------------------------------------------------------ reading accounts

    async def _switch(self, chat: Chat, verb: str) -> None:
        assert chat.tap is not None
        user_id, connection_id = chat.user.id, chat.tap.id
        match verb:
            case "on":
                await self._home_feed.switch_on(user_id, connection_id)
                await chat.toast("On. The first posts come within minutes.")
            case "off":
                await self._home_feed.switch_off(user_id, connection_id)
                await chat.toast("Stopped. What was archived stays, and is served.")
            case "now":
                begun = await self._home_feed.poll_now(user_id, connection_id)
                await chat.toast("Reading…" if begun else "It was read a moment ago.")
            case "confirmed":
                await self._home_feed.confirmed(user_id, connection_id)
                await chat.toast("Thank you. It goes on.")
        await self.open(chat)

    async def _stories(self, chat: Chat, verb: str) -> None:
        assert chat.tap is not None
        user_id, connection_id = chat.user.id, chat.tap.id
        if verb == "stories_on":
            await self._home_feed.switch_stories_on(user_id, connection_id)
            await chat.toast("On. The first ones come with the next reading.")
        elif verb == "stories_off":
            await self._home_feed.switch_stories_off(user_id, connection_id)
            await chat.toast("Off. What was archived stays, and is served.")
        view = await self._statuses.of_stories(user_id)
        await chat.show(story_cards.stories(view, chat.user.zone, chat.at))

    # ------------------------------------------------------------ readers

    async def _reader(self, chat: Chat, verb: str) -> None:
        assert chat.tap is not None
        zone, ref = chat.user.zone, chat.tap.id
        match verb:
            case "new":
                await self._new(chat, ref)
            case "qr":
                made = await self._readers.known(chat.user.id, chat.tap.ref)
                await chat.send_picture(qr_code(made.address), cards.qr(made))
            case "readers":
                known = await self._readers.of_user(chat.user.id)
                await chat.show(cards.readers(known, ref, zone, chat.at))
            case "reader":
                one = await self._one(chat, ref)
                feed = await self._feed(chat, one.feed_id)
                await chat.show(cards.reader(one, feed.title, zone, chat.at))
            case "rotate" | "revoke":
                await chat.show(cards.sure(await self._one(chat, ref), verb))
            case "rotate_yes":
                await self._show_address(chat, await self._readers.rotate(chat.user.id, ref))
            case "revoke_yes":
                await self._readers.revoke(chat.user.id, ref)
                await chat.show(cards.revoked())

    async def _new(self, chat: Chat, feed_id: int) -> None:
        feed = await self._chosen(chat, feed_id, "new", "What shall the reader read?")
        if feed:
            await chat.ask(NAME_FLOW, feed_id=feed.id)
            await chat.show(cards.ask_name(feed))

    async def receive_name(self, chat: Chat) -> None:
        assert chat.flow is not None
        made = await self._readers.add(chat.user.id, int(chat.flow.data["feed_id"]), chat.text)
        await chat.end_flow()
        await self._show_address(chat, made)

    async def _show_address(self, chat: Chat, made: Opened) -> None:
        feed = await self._feed(chat, made.reader.feed_id)
        await chat.show(cards.opened(made, feed.title, public=self._public))

    async def _one(self, chat: Chat, reader_id: int) -> Reader:
        """Errors: NotAllowed."""
        for one in await self._readers.of_user(chat.user.id):
            if one.id == reader_id:
                return one
        raise NotAllowed("That reader is gone.", "Open /feed.")

    # ------------------------------------------------------------ the webhook

    async def _webhook(self, chat: Chat, verb: str) -> None:
        assert chat.tap is not None
        user_id, feed_id = chat.user.id, chat.tap.id
        match verb:
            case "hook":
                await chat.end_flow()
                chosen = await self._chosen(chat, feed_id, "hook", "The webhook of which feed?")
                if chosen:
                    state = await self._webhooks.of_feed(user_id, chosen.id)
                    await chat.show(settings_cards.webhook(*state, chat.user.zone, chat.at))
            case "hook_ask":
                feed = await self._feed(chat, feed_id)
                await chat.ask(ADDRESS_FLOW, feed_id=feed.id)
                await chat.show(settings_cards.ask_address(feed))
            case "hook_test":
                await self._feed(chat, feed_id)  # theirs, before anything is said
                await chat.toast("Sending…")
                error = await self._webhooks.test(user_id, feed_id)
                # not in place of the card that was tapped: it may show the signing key, this once
                await chat.say(settings_cards.webhook_tested(feed_id, error))
            case "hook_off":
                feed, hook, waiting = await self._webhooks.of_feed(user_id, feed_id)
                if hook is None:
                    raise NotAllowed("It is off already.", "Open /feed.")
                await chat.show(settings_cards.webhook_off(feed, hook, waiting))
            case "hook_off_yes":
                await self._webhooks.drop(user_id, feed_id)
                await chat.toast("Off")
                state = await self._webhooks.of_feed(user_id, feed_id)
                await chat.show(settings_cards.webhook(*state, chat.user.zone, chat.at))

    async def receive_address(self, chat: Chat) -> None:
        """Deleted from the chat whatever it holds."""
        assert chat.flow is not None
        gone = await chat.delete_theirs()
        try:
            made = await self._webhooks.put(chat.user.id, int(chat.flow.data["feed_id"]), chat.text)
        except BadInput as error:
            await chat.say(
                settings_cards.webhook_refused(error.message, error.next_step, gone=gone)
            )
            return
        await chat.end_flow()
        await chat.say(settings_cards.webhook_made(made, gone=gone))

    # ------------------------------------------------------------ what is kept

    async def _keep(self, chat: Chat, verb: str) -> None:
        assert chat.tap is not None
        user_id, name = chat.user.id, chat.tap.ref
        if verb == "keep_ask" and CHOICES.get(name) is not None:
            kept = await self._retention.what_goes(user_id, CHOICES[name])
            await chat.show(settings_cards.keep_sure(name, kept))
            return
        if verb in ("keep_ask", "keep_yes") and name in CHOICES:  # "all" takes nothing away
            await self._retention.choose(user_id, CHOICES[name])
            await chat.toast(f"Kept: {settings_cards.LABELS[name]}")
        await chat.show(settings_cards.keep(await self._retention.of_user(user_id)))

    # ------------------------------------------------------------ which feed

    async def _chosen(self, chat: Chat, feed_id: int, verb: str, question: str) -> Feed | None:
        """The feed that was tapped; without one that of all accounts, where it is the only choice.
        None: the person is asked, or told that there is none."""
        if feed_id:
            return await self._feed(chat, feed_id)
        feeds = (await self._statuses.of_user(chat.user.id)).feeds
        if not feeds:
            await chat.show(
                Card(
                    "There is no feed yet. Open /feed and press Read.",
                    ((button("‹ Feed", "feed", "show"),),),
                )
            )
            return None
        if len(feeds) > 2:  # one account has two feeds that list the same: its own, and all
            await chat.show(cards.choose(feeds, verb, esc(question)))
            return None
        return feeds[0]

    async def _feed(self, chat: Chat, feed_id: int) -> Feed:
        """Errors: NotAllowed."""
        return await self._statuses.theirs(chat.user.id, feed_id)
