"""When a margin is not enough: pace of the steps, insurance fund, deleveraging, shared loss (rules R20 to R25)."""
