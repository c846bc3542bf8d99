"""What is written in volume is the contract's own, byte for byte, and nothing that its bounds forbid leaves."""

from typing import Any

import pytest
from cleartide.contracts import ALL_MESSAGES, Message, TradeExecuted
from cleartide.contracts.codec import encode
from cleartide.contracts.examples import EXAMPLES
from cleartide.contracts.writer import writer
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.messages import messages

WRITE = {contract: writer(contract) for contract in ALL_MESSAGES if contract.packed}
each = pytest.mark.parametrize("contract", WRITE, ids=lambda contract: contract.__name__)


def body_of(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message.__dict__.items() if name not in ("type", "version")}


@each
@settings(max_examples=5)
@given(data=st.data())
def test_every_valid_body_becomes_the_contracts_bytes(contract: type[Message], data: st.DataObject) -> None:
    """Same fields, same order, same values as a message that pydantic has built."""
    message = data.draw(messages(contract))
    assert WRITE[contract](body_of(message)) == encode(message)


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 2**40, 2**53, 2**63, 2**64, 0.5, "", "x", "no such choice", b"", (), (1,), ((0, 0),)]),
)


@each
@settings(max_examples=10)
@given(data=st.data(), value=junk)
def test_what_the_contract_refuses_is_not_written(contract: type[Message], data: st.DataObject, value: Any) -> None:
    """Any field, any value: it is written as the contract would have it, or refused; only patterns are not asked."""
    body = body_of(EXAMPLES[contract])
    body[data.draw(st.sampled_from(sorted(body)))] = value
    try:
        expected = encode(contract(**body))
    except ValidationError as refusal:
        if any(error["type"] != "string_pattern_mismatch" for error in refusal.errors()):
            with pytest.raises(ValidationError):
                WRITE[contract](body)
    else:
        assert WRITE[contract](body) == expected


@pytest.mark.parametrize("change", [{"price_ticks": 0}, {"size_lots": 2**40}, {"note": "more"}, {"trade_id": None}])
def test_the_refusal_is_the_contracts_own(change: dict[str, Any]) -> None:
    """It names the field, as pydantic does."""
    with pytest.raises(ValidationError, match=next(iter(change))):
        WRITE[TradeExecuted](body_of(EXAMPLES[TradeExecuted]) | change)
