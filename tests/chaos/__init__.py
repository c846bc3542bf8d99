"""Random kills under load. `make chaos`, or `python -m tests.chaos --kills 100 --seed 1`."""
