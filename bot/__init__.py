"""The chat: commands, buttons, cards, progress. The only code that knows Telegram."""
