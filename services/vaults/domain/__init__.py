"""Pure rules: rates and returns, lines and prices, the calendar, the closing of days."""
