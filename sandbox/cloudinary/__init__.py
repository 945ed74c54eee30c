"""A stand-in for Cloudinary, as its unmodified Python SDK meets it: uploads, lists, deliveries."""

from sandbox.cloudinary.server import Asset, BadDay, Cloudinary

__all__ = ["Asset", "BadDay", "Cloudinary"]
