"""The account's own figures in the chat."""
