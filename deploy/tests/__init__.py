"""The deployment files, checked without an engine or a cluster."""
