"""Pure rules of candles and market statistics."""
