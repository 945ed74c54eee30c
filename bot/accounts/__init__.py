"""The screens about people: Instagram accounts, credits, preferences, privacy, administration."""
