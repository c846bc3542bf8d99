"""The operator's commands for the venue's own vaults, as lines of text in and out."""

import argparse
from typing import Any

from cleartide.admin import Admin
from cleartide.contracts.farms import OpenFarm
from cleartide.contracts.vaults import HaltVault
from cleartide.ops.venue import Lines, add_action, outcome, said


async def show(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """What every vault holds, and whether it takes money."""
    for vault in (await admin.ask("matching", "own_vaults"))["vaults"]:
        if arguments.vaults and vault["vault"] not in arguments.vaults:
            continue
        farm = f", farm at {vault['farm']['platform_fee_bps']} bps" if vault["farm"] else ""
        yield f"{vault['vault']:24} {vault['state']}, {vault['assets']} of {vault['holders']} holders{farm}"


async def halt(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Stop what comes in and what goes out of vaults."""
    for vault in arguments.vaults:
        yield await outcome(admin, vault, HaltVault, vault=vault, halted=True, **said(arguments))


async def resume(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Take a halt back: the vaults are as they were before it."""
    for vault in arguments.vaults:
        yield await outcome(admin, vault, HaltVault, vault=vault, halted=False, **said(arguments))


async def open_farm(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Give a vault its farm, for good."""
    body = {"vault": arguments.vault, "platform_fee_bps": arguments.platform_fee_bps}
    yield await outcome(admin, arguments.vault, OpenFarm, **body, **said(arguments))


def add_parser(commands: Any) -> None:
    """`vault ...` with its actions."""
    text = "show, halt and resume vaults of the venue, and open their farms"
    actions = commands.add_parser("vault", help=text, description=text).add_subparsers(dest="verb", required=True)
    add_action(actions, "show", show).add_argument("vaults", nargs="*", help="default: all")
    for verb, action in (("halt", halt), ("resume", resume)):
        add_action(actions, verb, action).add_argument("vaults", nargs="+")
    farm = add_action(actions, "farm", open_farm)
    farm.add_argument("vault")
    farm.add_argument("--platform-fee-bps", type=int, default=0, help="of every reward, in basis points, at most 5,000")
