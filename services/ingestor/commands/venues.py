"""Venues for commands: where they are, what they list, and their REST clients."""

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import structlog
from cleartide.console import CommandError

from services.ingestor.adapters.instrument import Instrument, UnknownInstrument
from services.ingestor.adapters.venue import Listed, Venue, venues
from services.ingestor.commands.options import listed
from services.ingestor.settings import IngestorSettings
from services.ingestor.transport.rest import VenueRefused, VenueRest

LISTING_SECONDS: Final = 60.0
"""How long a venue may take to say what it lists, pauses that it asks for included."""


def add_venues(parser: argparse.ArgumentParser, *, several: bool = True) -> None:
    """--exchanges, and where they are."""
    text = "venues: " + ", ".join(venues())
    if several:
        parser.add_argument("-e", "--exchanges", type=listed, required=True, metavar="A,B", help=text)
    else:
        parser.add_argument("-e", "--exchange", choices=tuple(venues()), required=True, metavar="NAME", help=text)
    add_places(parser)


def add_places(parser: argparse.ArgumentParser, what: str = "ask") -> None:
    """--live and --simulator; `what` the command does with venues."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--live", action="store_true", help=f"{what} the venues' own servers (also: FEED=live)")
    place.add_argument(
        "--simulator", metavar="HOST:PORT", help=f"{what} a venue simulator there (also: CLEARTIDE_INGESTOR_SIMULATOR)"
    )


def from_venues(arguments: argparse.Namespace) -> bool:
    """Whether the command is to ask venues itself, rather than the store."""
    return bool(arguments.live or arguments.simulator)


def chosen(names: Sequence[str]) -> list[Venue]:
    """The venues of these names. Raises CommandError for others."""
    unknown = sorted(set(names) - set(venues()))
    if unknown:
        raise CommandError(f"no venue {', '.join(unknown)}; there are {', '.join(venues())}")
    return [venues()[name] for name in names]


def addresses(venue: Venue, arguments: argparse.Namespace) -> tuple[str, str]:
    """Socket and HTTP address: as the options say, else as the service's settings do. Raises CommandError."""
    settings = IngestorSettings()
    simulator = arguments.simulator or settings.simulator
    if arguments.live or (settings.feed == "live" and not arguments.simulator):
        return venue.live_socket_url, venue.live_http_url
    if not simulator:
        raise CommandError(f"where is {venue.name}? give --live for its own hosts, or --simulator HOST:PORT")
    return f"ws://{simulator}/{venue.name}", f"http://{simulator}/{venue.name}"


@asynccontextmanager
async def rest_clients(
    chosen_venues: Sequence[Venue], arguments: argparse.Namespace
) -> AsyncIterator[dict[str, VenueRest]]:
    """A client per venue, which keeps the venue's limits; what it warns of goes to standard error meanwhile."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(_stderr()),
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield {
                venue.name: VenueRest(session, addresses(venue, arguments)[1], venue.limits, venue.used_weight_header)
                for venue in chosen_venues
            }
    finally:
        structlog.configure(**before)


def _stderr() -> Any:
    import sys

    return sys.stderr


async def everything_listed(venue: Venue, rest: VenueRest) -> list[Listed]:
    """What the venue lists. Raises CommandError when it refuses, or is not there."""
    return list(venue.listed(await _listing(venue, rest)))


async def _listing(venue: Venue, rest: VenueRest) -> list[bytes]:
    try:
        async with asyncio.timeout(LISTING_SECONDS):
            return [await rest.ask(request) for request in venue.listing]
    except VenueRefused as error:
        raise CommandError(f"{venue.name}: {error}") from error
    except TimeoutError as error:
        raise CommandError(f"{venue.name}: no answer within {LISTING_SECONDS:g} s") from error


async def instruments(venue: Venue, rest: VenueRest, symbols: Sequence[str]) -> list[Instrument]:
    """The instruments of these symbols, on the grids that the index counts in. Raises CommandError for others."""
    try:
        answers = await _listing(venue, rest)
        return venue.instruments(answers, own_symbols(venue, symbols), IngestorSettings().pinned_ticks(venue.name))
    except UnknownInstrument as error:
        raise CommandError(f"{venue.name}: {error}") from error


def stored_symbols(symbols: Sequence[str], exchanges: Sequence[str]) -> list[str]:
    """Names in the store: a global one such as BTC/USDT stands for what these venues, or all of them, call it."""
    if not any("/" in each for each in symbols):
        return list(symbols)
    asked = [venue for name, venue in venues().items() if not exchanges or name in exchanges]
    return list(dict.fromkeys(own for venue in asked for own in own_symbols(venue, symbols)))


def own_symbols(venue: Venue, symbols: Sequence[str]) -> list[str]:
    """Global names such as BTC/USDT as the venue's own; its own stay as they are."""
    return [venue.format(*symbol.split("/", 1)) if "/" in symbol else symbol for symbol in symbols]
