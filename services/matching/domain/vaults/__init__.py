"""Vaults of the venue: shares, the money behind them, and who may do what with it (domain rule R36)."""
