"""The embedded stack's own tests, on real processes and servers."""
