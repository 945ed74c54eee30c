"""Stories in the chat: /newstory, /stories, /schedule, the card on which people decide."""
