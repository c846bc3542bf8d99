"""A venue on loopback: real WebSocket and HTTP endpoints that replay a captured recording, with faults on demand."""
