"""An accountant beside the fold: reads what matching has committed, works it out again its own way, and stops markets.

Nothing here is shared with the fold but the names of ledger accounts, so a fault of the one is not one of the other.
"""
