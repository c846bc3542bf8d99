"""The ingestor's commands of `cleartide`. What takes long to import is imported by the command that needs it."""

import argparse

from services.ingestor.commands import backfill, database


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Every command of the ingestor."""
    database.add_parsers(commands)
    backfill.add_parsers(commands)
