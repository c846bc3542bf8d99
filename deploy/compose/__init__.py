"""The system in containers: its passwords, and the configuration files that its servers read."""
