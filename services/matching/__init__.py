"""The sequencer: accounts' collateral, orders, books, positions, ledger and mark price."""
