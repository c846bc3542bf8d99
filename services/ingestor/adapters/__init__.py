"""Venue protocols as sans-I/O cores: bytes and receive times in, normalised events and commands out."""
