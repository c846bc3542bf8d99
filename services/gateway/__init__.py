"""The edge: HTTP and WebSocket API, the dashboard, and the alert feed that both resume from."""
