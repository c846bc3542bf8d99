"""The signed text: read strictly, held to here and now. And the signatures under it, chain by chain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.statement import BadStatement, Statement, check, compose, read
from services.gateway.identity.encodings import base58_decode, base58_encode, base58check_encode, segwit_address
from services.gateway.identity.signatures import BadAddress, canonical_address, signed_by
from services.gateway.tests.entrance import BitcoinWallet, EvmWallet, SolanaWallet, Wallet

AT = 1_790_000_000_000_000
MINUTE = 60_000_000
WALLETS: tuple[Wallet, ...] = (
    EvmWallet(7),
    EvmWallet(8, chain="celo"),
    SolanaWallet(7),
    BitcoinWallet(7),
    BitcoinWallet(7, segwit=True),
)


def text(wallet: Wallet = WALLETS[0], *, domain: str = "app.example.com", uri: str = "https://app.example.com") -> str:
    """A statement as the gateway writes it."""
    terms = {"domain": domain, "uri": uri, "about": "Sign in.", "chain": wallet.chain, "address": wallet.address}
    return compose(nonce="abcdef0123456789", at=AT, lasts=5 * MINUTE, **terms)


def held(statement: Statement, now: int = AT) -> None:
    """As the gateway checks it."""
    check(statement, now=now, lasts=5 * MINUTE, skew=MINUTE, domains=("app.example.com",))


@pytest.mark.parametrize("wallet", WALLETS, ids=lambda wallet: f"{wallet.chain}-{wallet.address[:4]}")
def test_every_chain_s_wallet_signs_its_own_statement(wallet: Wallet) -> None:
    """GW-SIGN-001: a signature is good under its own text by its own key, and under nothing else."""
    statement = read(text(wallet))
    assert (statement.chain, statement.address, statement.issued_at) == (wallet.chain, wallet.address, AT)
    held(statement)
    family = statement.family
    assert canonical_address(family, wallet.address) == wallet.address
    signature = wallet.sign(text(wallet))
    assert signed_by(family, wallet.address, text(wallet), signature)
    assert not signed_by(family, wallet.address, text(wallet) + " ", signature)
    other = type(wallet)(99)
    assert not signed_by(family, other.address, text(wallet), signature)
    assert not signed_by(family, wallet.address, text(wallet), other.sign(text(wallet)))


@given(st.text(max_size=200))
def test_no_signature_makes_us_stumble(signature: str) -> None:
    """GW-SIGN-002: whatever is sent as a signature or an address is refused, never an error of ours."""
    for wallet in WALLETS:
        family = read(text(wallet)).family
        assert not signed_by(family, wallet.address, text(wallet), signature)
        try:
            canonical_address(family, signature)
        except BadAddress:
            continue


@pytest.mark.parametrize(
    ("now", "why"),
    [(AT + 5 * MINUTE, "expired"), (AT - 2 * MINUTE, "issued")],
)
def test_a_statement_holds_for_its_time(now: int, why: str) -> None:
    """GW-SIGN-003: a statement holds in its time and for its domain alone."""
    with pytest.raises(BadStatement, match=why):
        held(read(text()), now)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"domain": "evil.example.com"}, "signed for evil"),
        ({"uri": "https://evil.example.com"}, "URI"),
        ({"uri": "https://app.example.com.evil.com/"}, "URI"),
        ({"uri": "https://app.example.com@evil.com/"}, "URI"),
    ],
)
def test_a_statement_for_another_place_is_refused(changed: dict[str, Any], why: str) -> None:
    """GW-SIGN-003: a statement holds in its time and for its domain alone."""
    with pytest.raises(BadStatement, match=why):
        held(read(text(**changed)))


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("Version: 1", "Version: 2"),
        ("Chain ID: 1", "Chain ID: 5"),
        ("Nonce: abcdef0123456789", "Nonce: ab"),
        ("Nonce: abcdef0123456789\n", ""),
        ("Issued At: ", "Issued At: x"),
        ("Issued At: 2026-09-21T", "Issued At: 2026-02-31T"),
        ("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"),
        ("Sign in.", "Sign in.\nURI: https://app.example.com"),
        ("Ethereum account:", "Dogecoin account:"),
        (" wants you", "  wants you"),
        ("\n", "\r\n"),
        ("Expiration Time", "Expiration"),
    ],
)
def test_what_is_not_the_form_is_no_statement(found: str, put: str) -> None:
    """GW-SIGN-004: a text with a line changed, missing, doubled or moved is no statement."""
    assert found in text()
    with pytest.raises(BadStatement):
        read(text().replace(found, put))


@given(st.text(max_size=400))
def test_any_text_is_a_statement_or_refused(said: str) -> None:
    """GW-SIGN-004: a text with a line changed, missing, doubled or moved is no statement."""
    with pytest.raises(BadStatement):
        read(said)


def test_what_other_libraries_write_is_read() -> None:
    """GW-SIGN-005: optional fields, resources, no sentence, fractions of a second: read as EIP-4361 has them."""
    said = (
        "https://app.example.com wants you to sign in with your Ethereum account:\n"
        f"{WALLETS[0].address}\n\n\n"
        "URI: https://app.example.com/login?next=1\nVersion: 1\nChain ID: 42220\nNonce: 32891756\n"
        "Issued At: 2026-09-21T14:13:20.123456789+00:00\nNot Before: 2026-09-21T14:13:20Z\nRequest ID: 7\n"
        "Resources:\n- https://example.com/a\n- ipfs://b"
    )
    statement = read(said)
    assert (statement.chain, statement.issued_at, statement.expires_at) == ("celo", AT + 123_456, None)
    held(statement)
    with pytest.raises(BadStatement, match="yet"):
        check(statement, now=AT - 120_000_000, lasts=MINUTE * 9, skew=MINUTE * 9 // 10, domains=("app.example.com",))


@pytest.mark.parametrize(
    ("family", "address"),
    [
        ("evm", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"),
        ("evm", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        ("solana", "0OIl"),
        ("solana", "1111"),
        ("bitcoin", "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvN"),
        ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ],
)
def test_a_mistyped_address_is_refused(family: str, address: str) -> None:
    """GW-SIGN-006: an address with a wrong check sum, length or letter is refused; small letters are the same one."""
    with pytest.raises(BadAddress):
        canonical_address(family, address)  # type: ignore[arg-type]
    assert canonical_address("evm", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed") == canonical_address(
        "evm", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    )


@given(st.binary(max_size=40))
def test_base58_is_its_own_inverse(data: bytes) -> None:
    """GW-SIGN-007: encodings agree with their standards' own examples, and come back as they went."""
    if data:
        assert base58_decode(base58_encode(data)) == data
    public = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
    assert segwit_address("bc", public) == "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    payload = bytes.fromhex("00010966776006953d5567439e5e39f86a0d273bee")
    assert base58check_encode(payload) == "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM"
