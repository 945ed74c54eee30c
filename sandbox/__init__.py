"""Stand-ins for Telegram, Instagram, Meta and Cloudinary, the chat page and the tours.

They speak the real protocols over HTTP, are as strict as the real services, and know nothing of
the product: the bot is started beside them as a process of its own, with their addresses in its
settings.
"""
