"""The screens about people: accounts at Instagram, credits, preferences, privacy, administration."""
