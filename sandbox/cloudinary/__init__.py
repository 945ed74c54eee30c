"""A stand-in for Cloudinary, as its unmodified Python SDK meets it: uploads, lists, deliveries."""

from sandbox.cloudinary.server import Asset, Cloudinary

__all__ = ["Asset", "Cloudinary"]
