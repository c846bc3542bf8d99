"""Pure rules of the ingestor: the index price, and what the fold remembers of each venue."""
