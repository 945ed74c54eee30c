"""The screens of importing: its cards, pure, and what its buttons do."""
