"""Each venue against frames of its own."""
