"""What the replay plays: one captured market, and what `made` makes of it for others."""
