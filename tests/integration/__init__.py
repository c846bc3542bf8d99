"""Through real NATS, Postgres and Valkey."""
