"""The words of each kind of mail, by what it is about."""
