"""How much can be traded at which price: depth, slippage, candles and statistics, in integers."""
