"""The past of each venue."""
