"""The rules of docs/ARCHITECTURE.md, checked on the source. Each lint is shown a planted fault, so that it can fail."""
