"""Funding: from premium samples to one rate per market and interval."""
