"""Risk: the health factor of every account, its alerts, and the request to liquidate."""
