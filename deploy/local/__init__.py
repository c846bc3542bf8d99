"""The embedded stack: real servers from wheels and the seven services, under one supervisor, without containers."""
