"""The feed in the chat: its status, its readers, its webhook, what it keeps."""
