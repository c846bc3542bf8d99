"""What an event of a client becomes, and whose are passed over. Pure."""
