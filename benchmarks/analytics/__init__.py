"""What analytics cost: candles beside streaming engines, days of accounts beside PostgreSQL and Parquet."""
