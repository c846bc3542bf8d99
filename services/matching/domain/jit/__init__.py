"""Just-in-time auctions: for a few slots makers compete with the book for an order (domain rule R33)."""
