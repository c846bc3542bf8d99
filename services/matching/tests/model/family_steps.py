"""Steps by which families come about, and by which others than heads of families act."""

from typing import Any, Final

from cleartide.contracts import (
    CancelAllOrders,
    Deposit,
    GrantDelegate,
    Message,
    OpenSubaccount,
    PlaceOrder,
    QuoteAuction,
    RequestWithdrawal,
    RevokeDelegate,
    SetLeverage,
    SubmitOrders,
    TransferFunds,
    Withdraw,
)

from services.matching.tests.model.family import RIGHTS
from services.matching.tests.model.margin import withdrawable
from services.matching.tests.model.rights import head
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import RESERVED, Market, World

HANDED_ON: Final = (
    CancelAllOrders,
    Deposit,
    PlaceOrder,
    QuoteAuction,
    RequestWithdrawal,
    SetLeverage,
    SubmitOrders,
    Withdraw,
)
"""What a sub-account may do in the place of its parent."""


def open_subaccount(world: World, number: int, step: Step, market: Market) -> Body:
    """A cross or an isolated one; now and then of a sub-account, of nobody, or one that is there."""
    isolated = step.flags % 2 == 0
    body: dict[str, Any] = {"account": TRADERS[step.who], "name": f"s{step.amount % 3}"}
    body |= {"margin_mode": "isolated", "market": market.name} if isolated else {}
    wrong: tuple[dict[str, Any], ...] = (
        {"account": f"{TRADERS[step.who]}--s0"},
        {"account": "nobody"},
        {"actor": TRADERS[step.who - 1]},
        {"margin_mode": "isolated", "market": None},
        {"margin_mode": "cross", "market": market.name},
        {"market": "NONE-PERP", "margin_mode": "isolated"},
    )
    return OpenSubaccount, body | (wrong[step.flags % len(wrong)] if step.terms < 32 else {})


def grant(world: World, number: int, step: Step, market: Market) -> Body:
    """Some rights to somebody, or none any more."""
    account = _anybody(world, step)
    named = {"account": account, "delegate": (*TRADERS, RESERVED[0])[step.amount % (len(TRADERS) + 1)]}
    if step.flags % 16 == 5:
        named["actor"] = TRADERS[step.amount // 7 % len(TRADERS)]
    if step.flags % 4 == 0:
        owners = {name: [*one.delegates] for name, one in world.accounts.items() if one.delegates}
        if owners and step.flags % 8:
            name = [*owners][step.amount % len(owners)]
            named = {"account": name, "delegate": owners[name][step.terms % len(owners[name])]}
        return RevokeDelegate, named
    return GrantDelegate, {**named, **{right: bool(step.terms >> place & 1) for place, right in enumerate(RIGHTS)}}


def shift(world: World, number: int, step: Step, market: Market) -> Body:
    """Within a family: all that is free, a quantum more, or a part; now and then to itself or to a stranger."""
    source = _anybody(world, step)
    family = [name for name in world.accounts if head(world, name) == head(world, source) and name != source]
    if not family or step.flags % 16 == 1:
        family = [source, "nobody", TRADERS[step.who - 1]]
    account = world.accounts.get(source)
    free = withdrawable(world, account) if account is not None else 0
    wanted = (free // 2, free // 3, free, free + 1)[step.flags % 4]
    target = family[step.amount % len(family)]
    return TransferFunds, {
        "account": source,
        "to_account": target,
        "asset": "USDC" if step.flags else "WETH",
        "amount": text_of(wanted, "0.000001"),
    }


def acting(world: World, step: Step, contract: type[Message], body: dict[str, Any]) -> dict[str, Any]:
    """In families the sub-accounts act, by themselves, by their heads, by delegates or by strangers."""
    subs = [name for name, account in world.accounts.items() if account.parent]
    if not subs:
        return body
    if "buyer" in body and step.links % 4 == 0:
        sub = subs[step.amount % len(subs)]
        return {**body, "buyer": sub if step.flags % 8 else f"{sub}-x"}
    mine = [name for name in subs if world.accounts[name].parent == body.get("account")]
    if contract in HANDED_ON and mine and step.links % 3:
        body = {**body, "account": mine[step.links % len(mine)]}
    if "actor" not in contract.model_fields or "actor" in body or step.terms % 4:
        return body
    return {**body, "actor": TRADERS[step.amount % len(TRADERS)] if step.terms % 8 else head(world, body["account"])}


def _anybody(world: World, step: Step) -> str:
    """A trader or a sub-account."""
    names = [*TRADERS, *(name for name, account in world.accounts.items() if account.parent)]
    return names[(step.who + step.links) % len(names)]
