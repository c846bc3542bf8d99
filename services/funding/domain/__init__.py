"""Pure rules of the funding rate (domain rules R17 and 10.12)."""
