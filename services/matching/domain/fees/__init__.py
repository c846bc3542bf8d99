"""Fees by volume, rebates, referrals, and what the venue earns by them."""
