"""What the venue decides: how each market trades, who may place orders, and what stops all of it."""
