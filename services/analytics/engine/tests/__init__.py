"""The open minute in either form."""
