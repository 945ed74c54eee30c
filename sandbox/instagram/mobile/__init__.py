"""A stand-in for Instagram's mobile API, as the unmodified instagrapi meets it."""

from sandbox.instagram.mobile.app import HOSTS, MobileApi
from sandbox.instagram.mobile.doors import Door

__all__ = ["HOSTS", "Door", "MobileApi"]
