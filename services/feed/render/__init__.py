"""From entries to the bytes of a feed; pure functions."""
