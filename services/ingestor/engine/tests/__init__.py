"""What the short way promises: the long way's books, digit for digit, in either form."""
