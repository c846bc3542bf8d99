"""What clients see happen: alerts from the committed feed, prices from the tail of trading events."""
