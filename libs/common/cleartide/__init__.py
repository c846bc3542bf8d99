"""Cleartide's shared library: contracts, exact money, the event-bus runner, the store, telemetry and the client."""
