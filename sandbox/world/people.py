"""Who lives in the world: members with a session, creators whose posts they save, a locked one,
one with many reels, and one who is shown to adults only.

Used by `sandbox.world.posts` (owners and captions) and by the stand-ins (profiles).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """An Instagram account. `captions` are what a creator writes below posts, in turn.

    `is_gated`: shown to people of a certain age only. `is_personal`: no professional account.
    """

    pk: int
    username: str
    full_name: str
    biography: str
    hashtag: str = ""
    captions: tuple[str, ...] = ()
    is_private: bool = False
    is_gated: bool = False
    is_personal: bool = False


MEMBERS = (
    Person(70000000001, "mia", "Mia Sandoval", "Reels, coffee, too many saved posts"),
    Person(70000000002, "leo", "Leo Okafor", "Cooks on weekends"),
    Person(70000000003, "zoe", "Zoë Lindqvist", "Just arrived"),
)

PRIVATE = Person(
    70000000099,
    "locked.diary",
    "Ida (locked)",
    "Friends only",
    "#diary",
    ("Only for the people I know",),
    is_private=True,
)

GATED = Person(
    70000000098,
    "midnight.still",
    "Midnight Still",
    "Spirits, for adults",
    "#midnightstill",
    ("Cask 4, at last",),
    is_gated=True,
)

# Posts nearly nothing but reels, and for months: `sandbox.world.profiles` draws them.
PROLIFIC = Person(
    70000000030,
    "rosa.reels",
    "Rosa Márquez 💃",
    "Salsa in 30 seconds & <small> steps",
    "#salsa",
    (
        "Basic step, slow #dance #tutorial",
        "With @kaede.moves on one 🌹 #Dance",
        "=cmd|' /C calc'!A0 is not a step #tutorial",
        "Sunday social, who comes? @neonloops @kaede.moves. #sunday",
        "Mail me: rosa@example.org",
    ),
)

# Some captions are hostile on purpose: each would break a chat, a page or a spreadsheet that does
# not escape what strangers wrote.
CREATORS = (
    Person(
        70000000010,
        "neonloops",
        "Neon Loops",
        "Beats made before breakfast",
        "#neonloops",
        ("Loop of the day, free to use", "128 BPM and not sorry", "Which drop? A or B"),
    ),
    Person(
        70000000011,
        "tinyplates",
        "Tiny Plates Kitchen",
        "Recipes under ten minutes",
        "#tinyplates",
        ("Crispy chickpeas, 9 minutes", "Salt late, lemon last 🍋", "One pan. One spoon."),
    ),
    Person(
        70000000012,
        "clay.and.co",
        "Clay & Co",
        'Stoneware from the "old" studio',
        "#clayandco",
        ("Trimming day & tea", "Kiln opening <3", 'The glaze called "rain"'),
    ),
    Person(
        70000000013,
        "longwayup",
        "Long Way Up",
        "Mountains, slowly",
        "#longwayup",
        ("Day 3: fog, then this", "2,310 m before noon", "Boots off 🥾⛰️"),
    ),
    Person(
        70000000014,
        "nur.draws",
        "نور ترسم",
        "رسومات كل يوم",
        "#نور_ترسم",
        ("رسم اليوم: قطة نائمة", "\u202eright to left override\u202c", "אותיות, אقلام, pens"),
    ),
    Person(
        70000000015,
        "htmlhermit",
        "<b>Html</b> Hermit",
        "<a href=x>about</a>",
        "#htmlhermit",
        (
            "<script>alert('saved')</script>",
            "</b></a> &lt;already escaped&gt; &amp;",
            "<b>bold</b> & <i>brave",
        ),
    ),
    Person(
        70000000016,
        "sheetwitch",
        "=Sheet Witch",
        "Formulas as poetry",
        "#sheetwitch",
        ('=HYPERLINK("http://127.0.0.1/","open")', "@SUM(1+1)*cmd|'/C calc'!A0", "+1-1\t=2"),
    ),
    Person(
        70000000017,
        "emoji.enough",
        "🌈🦄✨",
        "👩‍👩‍👧‍👦 🏳️‍🌈",
        "#emojienough",
        ("👩🏽‍🚀🚀" * 12, "🇸🇪🇯🇵🇧🇷 tour", "Z̷̡͝a̸l̵g̶o̴ was here"),
    ),
    Person(
        70000000018,
        "studio.okra",
        "Studio Okra",
        "Type, posters, risograph",
        "#studiookra",
        ("Two inks, one accident", "Poster 44 of 52", "_under_*stars*`ticks`[link](x)"),
    ),
    Person(
        70000000019,
        "kaede.moves",
        "楓 Kaede",
        "ダンス",
        "#楓の踊り",
        ("今日の振付", "8カウントだけ練習", "雨の日のステップ ☔"),
    ),
    Person(
        70000000020,
        "longform.lou",
        "Longform Lou",
        "Captions are essays",
        "#longformlou",
        (
            "Thread, all of it. " + "This sentence goes on so that nobody reads it. " * 40,
            "Line one\nline two\n\n\nline five",
            "",
        ),
    ),
    Person(
        70000000021,
        "quietframes",
        "Quiet Frames",
        "35 mm",
        "#quietframes",
        ("Window, 7 a.m.", "Kodak Gold, f/2", "Nobody at the pool"),
        is_personal=True,
    ),
)

PEOPLE = {p.username: p for p in (*MEMBERS, *CREATORS, PROLIFIC, PRIVATE, GATED)}
# Whose posts stand in whose home feed; the other creators turn up there as ads and suggestions.
FOLLOWING = {"mia": CREATORS[:9], "leo": CREATORS[2:6], "zoe": CREATORS[:2]}
