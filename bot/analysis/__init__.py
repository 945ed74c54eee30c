"""Analyses in the chat: /analyze, /reports, their cards and charts."""
