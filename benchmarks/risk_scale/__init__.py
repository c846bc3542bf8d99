"""Health of a million accounts at every price: the wheel beside scans in numba, numpy, polars, DuckDB and SQL."""
