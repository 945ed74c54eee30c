"""Scripted visits through the real chat: `reelay demo --tour NAME`."""

from sandbox.tours.analyze import tour_analyze
from sandbox.tours.feed import tour_feed
from sandbox.tours.importing import tour_big_import, tour_import
from sandbox.tours.insights import tour_insights
from sandbox.tours.library import tour_library
from sandbox.tours.stories import tour_stories

TOURS = {
    "import": tour_import,
    "big-import": tour_big_import,
    "library": tour_library,
    "feed": tour_feed,
    "stories": tour_stories,
    "analyze": tour_analyze,
    "insights": tour_insights,
}
