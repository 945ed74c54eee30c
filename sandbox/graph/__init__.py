"""A stand-in for Meta: the Graph API of both log-ins, its dialogs, uploads, and what is live.

`Meta` publishes stories for the members of a `sandbox.world.World`; the product reaches it by base
addresses in its settings.
"""

from sandbox.graph.bad_days import BadDays, Fault
from sandbox.graph.containers import SecondPublish, Story
from sandbox.graph.refusals import Refusal, documented
from sandbox.graph.request_log import Request
from sandbox.graph.rules import Call
from sandbox.graph.server import Meta

__all__ = [
    "BadDays",
    "Call",
    "Fault",
    "Meta",
    "Refusal",
    "Request",
    "SecondPublish",
    "Story",
    "documented",
]
