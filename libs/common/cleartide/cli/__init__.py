"""The command line of a third party: `python -m cleartide.cli --help`."""
