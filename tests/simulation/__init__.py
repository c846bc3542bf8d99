"""The same runner and the same folds on a bus and a store in memory, with faults from a seed."""
