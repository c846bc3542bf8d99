"""Analytics: candles, market statistics, recent trades and liquidations."""
