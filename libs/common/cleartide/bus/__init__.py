"""The event bus: streams and permissions, the consumer runner, the outbox relay, dead letters."""
