"""Venue market data in, index price out: adapters, feed, fold and a venue simulator."""
