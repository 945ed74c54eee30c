"""/start and /help: the first screen and what each part does."""

from __future__ import annotations

from bot.cards import Button, Card, button, count, esc
from bot.chat import Chat
from bot.router import Router
from services.accounts.connecting import Connecting
from services.insights.service import Insights
from storage.connections import Connection
from storage.people import User

COMMANDS = {
    "start": "Menu: what to do next",
    "import": "Save a collection or a post",
    "library": "Your posts: search, hear, take along",
    "stories": "Stories: queue, posted, figures",
    "newstory": "Add a photo or video",
    "schedule": "Days, times, categories of stories",
    "analyze": "Report on any profile",
    "reports": "Earlier reports and exports",
    "insights": "Your reach and followers, with chart",
    "sync": "Read your figures now",
    "jobs": "Running work: pause, resume, cancel",
    "feed": "Your feed: status, links, readers",
    "connect": "Instagram and Meta accounts",
    "credits": "Balance, history, audit",
    "settings": "Time zone, quiet hours, notices",
    "help": "Help on one topic",
    "privacy": "Export or delete my data",
}
NAMED = 5  # accounts on the first screen
ADMIN_COMMANDS = {**COMMANDS, "admin": "People, credits, health, audit"}

TOPICS = {
    "import": (
        "Importing",
        "Paste the link of a saved collection, of <i>saved/all-posts</i>, of a post or a reel. "
        "You see what it costs before anything starts. Each saved post costs one credit; posts "
        "that are gone or fail are refunded, posts you have already are free.\n\n"
        "You can pause, resume or cancel at any time. Nothing that was saved is lost.",
    ),
    "cookies": (
        "Your cookies",
        "Reelay reads Instagram with the session of your browser.\n\n"
        "1. Open a <b>private window</b> and log in to instagram.com.\n"
        "2. Export <code>cookies.txt</code> with a browser extension such as <i>Get cookies.txt "
        "LOCALLY</i>.\n"
        "3. Send the file here, and close the window without logging out.\n\n"
        "Your message is deleted at once; the cookies are kept encrypted.",
    ),
    "feed": (
        "The feed",
        "Reelay reads the home feed of an account and keeps it, pictures too, as a feed for any "
        "reader: RSS, Atom and JSON. Press Read under <b>/feed</b>, then New reader, and put the "
        "address into your reader.\n\n"
        "When Instagram can't be read, the feed stays as it is and says so.",
    ),
    "pace": (
        "Why it is slow on purpose",
        "Instagram restricts accounts that read too fast. Reelay sends one request every 6 to 12 "
        "seconds for each account, whatever you do with it, and stops by itself when Instagram "
        "says so.",
    ),
    "library": (
        "Your library",
        "<b>/library</b> holds what you saved, the newest first. Filters add up, and each one that "
        "is on has a button that takes it off. <code>/library rain</code> looks for a word in "
        "captions and names.\n\n"
        "A post opens as a card: hear it, get it as WAV, MP3 or the file itself, or see what goes "
        "with it in tempo and key. Tempo and key come a moment after the import; what can't be "
        "heard is not made up.\n\n"
        "📤 <b>Export</b> brings a table of what you filtered, or all its sounds.",
    ),
    "analyze": (
        "Analysing a profile",
        "<code>/analyze @name</code> reads the reels of any public profile and says what is usual "
        "there, which reels broke out, where the views go and how sure that is, and when reels do "
        "best. Each figure says of how many reels it is (n); with fewer than 12 I say that it is "
        "too little to tell.\n\n"
        "It goes at the pace of your account, 12 reels a request, or through Meta where that is "
        "connected. Take it along as CSV, JSON or XLSX, or as a page under an address of its own. "
        "<b>/reports</b> has all of them; other people's profiles are kept for a while only.",
    ),
    "collections": (
        "Collections",
        "In the library, 🗂 <b>Collections</b> has a card for each one that you imported: let it "
        "look for new posts daily or weekly, leave out what you don't want (that costs nothing), "
        "show several as one, and retry what failed.",
    ),
    "stories": (
        "Stories",
        "Send a photo or a video, best as a file: it is fitted to a story, and you see before and "
        "after. Post it now, pick a time, or put it into a category: <b>/schedule</b> gives each "
        "category its share of the week's slots.\n\n"
        "Before a slot a preview asks you; the first tap decides, and can be undone for half a "
        "minute. What Meta's API can't do (links, tags, stickers, Creator accounts) you get as a "
        "file with the steps. Nothing is ever posted twice.",
    ),
    "insights": (
        "Your own figures",
        "<b>/insights</b> shows reach, views, followers and more of your professional account, day "
        "by day, and against the days before. Reelay reads them from Meta each night; "
        "<b>/sync</b> reads now.\n\n"
        "A gap in the line is a day without a number, never a zero: Meta takes up to 48 hours, "
        "tells some figures from 100 followers on only, and corrects others later. Reach counts "
        "different people, so its days are never added up.\n\n"
        "Best posts, audience, CSV, JSON, XLSX, a page to share and a digest each Monday are below "
        "the chart.",
    ),
    "credits": (
        "Credits",
        "One credit is one saved post. They are taken when a batch begins and come back when a "
        "post can't be saved. <b>/credits</b> shows every entry, and its audit proves that the "
        "balance is their sum.",
    ),
}


class Menu:
    def __init__(self, connecting: Connecting, insights: Insights, banner: str) -> None:
        self._connecting = connecting
        self._insights = insights
        self._banner = banner

    def register(self, router: Router) -> None:
        router.command("start", self.home)
        router.command("help", self.help)
        router.area("menu", self.tapped)

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        match chat.tap.verb:
            case "home":
                await chat.end_flow()
                await chat.show(await self._home(chat))
            case "help":
                await chat.show(help_card(chat.user))
            case "topic" if chat.tap.ref in TOPICS:
                await chat.show(topic_card(chat.tap.ref))

    async def home(self, chat: Chat) -> None:
        await chat.say(await self._home(chat))

    async def help(self, chat: Chat) -> None:
        topic = chat.text.lower()
        await chat.say(topic_card(topic) if topic in TOPICS else help_card(chat.user))

    async def _home(self, chat: Chat) -> Card:
        accounts = await self._connecting.of_user(chat.user.id)
        figures = bool(await self._insights.accounts(chat.user.id))
        return home_card(chat.user, accounts, self._banner, figures=figures)


def home_card(
    user: User, accounts: list[Connection], banner: str, *, figures: bool = False
) -> Card:
    """`figures`: an account's own are read."""
    lines = [f"Hello <b>{esc(user.name, 40)}</b>, this is Reelay: your Instagram, from one chat."]
    if banner:
        lines.append(f"<i>{esc(banner, 300)}</i>")
    library = button("🎧 Library", "lib", "show")  # it stays when the last account is forgotten
    first: tuple[Button, ...]
    if accounts:
        names = ", ".join(
            esc(account.label, 40) + ("" if account.status in ("active", "checking") else " ⚠️")
            for account in accounts[:NAMED]
        )
        more = f" and {len(accounts) - NAMED} more" if len(accounts) > NAMED else ""
        lines.append(f"Connected: {names}{more} · {count(user.credits, 'credit')}")
        lines.append("Paste the link of a saved collection, a post or a reel to import it.")
        first = (
            button("📥 Import", "imp", "ask"),
            library,
            button("⏱ Jobs", "imp", "jobs"),
        )
    else:
        lines.append(
            "First connect an Instagram account. It takes a minute, and your session is kept "
            "encrypted on this server only."
        )
        first = (button("🔗 Connect Instagram", "con", "begin"),)
    if user.delete_after:
        lines.append("⚠️ Your data is going to be deleted. /privacy can still undo it.")
    money = button("🪙 Credits", "cre", "show")
    analyse = button("📊 Analyse", "ana", "ask")
    stories = button("📸 Stories", "story", "show")
    feed = (button("📰 Feed", "feed", "show"),) if accounts else ()
    rest = (analyse, stories, *feed)
    own = (button("📈 Insights", "ins", "open"),) if figures else ()
    purse = (*own, button("🔗 Accounts", "con", "list") if accounts else library, money)
    last = (button("⚙️ Settings", "set", "show"), button("❔ Help", "menu", "help"))
    return Card("\n\n".join(lines), (first, rest, purse, last))


def help_card(user: User) -> Card:
    commands = ADMIN_COMMANDS if user.leads else COMMANDS
    lines = [f"/{name} · {text}" for name, text in commands.items()]
    topics = [button(title, "menu", "topic", name) for name, (title, _) in TOPICS.items()]
    return Card(
        "<b>What I can do</b>\n" + "\n".join(lines) + "\n\nOr just paste an Instagram link.",
        (*((topic,) for topic in topics), (button("‹ Menu", "menu", "home"),)),
    )


def topic_card(name: str) -> Card:
    title, text = TOPICS[name]
    back = (button("‹ Help", "menu", "help"), button("Menu", "menu", "home"))
    rows = (
        ((button("🔗 Connect Instagram", "con", "begin"),), back) if name == "cookies" else (back,)
    )
    return Card(f"<b>{title}</b>\n\n{text}", rows)
