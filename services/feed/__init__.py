"""The feed: an account's timeline as RSS, Atom and JSON Feed, and its archive."""
