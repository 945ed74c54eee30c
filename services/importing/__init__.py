"""Saved collections and single posts, from a link to archived media."""
