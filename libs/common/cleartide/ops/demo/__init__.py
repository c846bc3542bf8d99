"""What `cleartide demo` does to a sandbox: crash its market, kill a service, and show from facts what came of it."""
