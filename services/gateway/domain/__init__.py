"""The alert feed as rows: no I/O."""
