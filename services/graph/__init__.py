"""The way to Meta: one HTTP client, log-ins and tokens, publishing, the map of its errors."""
