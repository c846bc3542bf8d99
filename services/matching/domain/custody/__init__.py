"""Money on its way between the venue and the outside world."""
