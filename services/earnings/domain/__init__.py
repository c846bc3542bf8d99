"""Pure rules of daily earnings (domain rule R34)."""
