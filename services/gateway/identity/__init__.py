"""Who may come in and as whom: people, wallets, sessions, API keys. The truth of the gateway's own schema."""
