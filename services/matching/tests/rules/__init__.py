"""The domain rules, each at the exact unit, tick and direction of rounding; `mutants` shows that they would notice."""
