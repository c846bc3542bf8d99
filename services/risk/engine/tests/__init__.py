"""What the wheel promises: the health of every account, found without looking at every account."""
