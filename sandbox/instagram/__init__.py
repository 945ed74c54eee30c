"""A stand-in for www.instagram.com and its CDN, as the unmodified gallery-dl meets them.

`Instagram` serves a `sandbox.world.World`; the product reaches it through its proxy and CA.
"""

from sandbox.instagram.answers import Refusal
from sandbox.instagram.bad_days import BadDays, Fault
from sandbox.instagram.request_log import Request
from sandbox.instagram.server import Instagram

__all__ = ["BadDays", "Fault", "Instagram", "Refusal", "Request"]
