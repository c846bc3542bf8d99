"""How each engine is driven: what has to be called for a command, and what it says was traded."""
