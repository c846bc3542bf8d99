"""Orders that wait for a price: what they wait for, when it has come, and what happens then (domain 12.5 to 12.7)."""
