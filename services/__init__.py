"""The services of Cleartide: one room each, started with `python -m services.<name>`."""
