"""The rules of matching: pure, exact, in integers; time comes with the command."""
