"""What an order has to pass before it is in the book: one row of checks, each with its reason codes."""
