"""The account's own figures at Meta, every day, with the truth about each."""
