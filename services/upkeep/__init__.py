"""What an operator asks for at the command line: is all well, and moving the media elsewhere."""
