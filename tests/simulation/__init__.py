"""Seeded simulation: the real workers and folds on an in-memory bus and store that fail in every way a seed thinks of.

One seed fixes everything. There are no threads, no sockets and no clock: a loop with virtual time (`loop`) runs the
callbacks in the order in which they were scheduled, every wait is a number drawn from a generator seeded by the run's
seed and the actor's name, and nothing iterates over a set. So a failing seed fails again, step by step:

    python -m tests.simulation 4711
"""
