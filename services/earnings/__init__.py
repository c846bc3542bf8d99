"""Earnings: what every account earned on every UTC day, exact to the quantum."""
