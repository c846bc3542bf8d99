"""Rules that more than one service must apply in exactly the same way."""
