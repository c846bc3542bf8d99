"""The text that a wallet signs to sign in: EIP-4361, and the same form for other chains' wallets.

    example.com wants you to sign in with your Ethereum account:
    0x...

    Sign in to Cleartide.

    URI: https://example.com
    Version: 1
    Chain ID: 1
    Nonce: 32891756
    Issued At: 2026-01-01T00:00:00Z

Reading is strict: a line that the form does not have, or has elsewhere, makes it no statement. A person must be able to
rely on what the wallet shows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

Family = Literal["evm", "solana", "bitcoin"]
MAX_TEXT: Final = 4_096
MICROS: Final = 1_000_000
ACCOUNT_NAMES: Final[Mapping[Family, str]] = {"evm": "Ethereum", "solana": "Solana", "bitcoin": "Bitcoin"}
CHAINS: Final[Mapping[str, Family]] = {
    "ethereum": "evm",
    "arbitrum": "evm",
    "base": "evm",
    "celo": "evm",
    "optimism": "evm",
    "polygon": "evm",
    "solana": "solana",
    "bitcoin": "bitcoin",
}
"""Every chain that a wallet may be on, with whose keys and addresses it has."""
CHAIN_IDS: Final[Mapping[str, str]] = {
    "ethereum": "1",
    "arbitrum": "42161",
    "base": "8453",
    "celo": "42220",
    "optimism": "10",
    "polygon": "137",
    "solana": "mainnet",
    "bitcoin": "mainnet",
}
CHAIN_OF_ID: Final = {(CHAINS[chain], ident): chain for chain, ident in CHAIN_IDS.items()}

_HEAD: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<domain>[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?) "
    r"wants you to sign in with your (?P<name>Ethereum|Solana|Bitcoin) account:"
)
_FIELDS: Final = (
    ("URI", True),
    ("Version", True),
    ("Chain ID", True),
    ("Nonce", True),
    ("Issued At", True),
    ("Expiration Time", False),
    ("Not Before", False),
    ("Request ID", False),
)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})")
_NONCE: Final = re.compile(r"[A-Za-z0-9]{8,64}")


class BadStatement(ValueError):  # noqa: N818 - a verdict on a text
    """It is not such a text, or it does not hold here and now; the message says why."""


@dataclass(frozen=True)
class Statement:
    """What was signed. Instants in microseconds since the Unix epoch, UTC."""

    domain: str
    family: Family
    address: str
    uri: str
    chain: str
    nonce: str
    issued_at: int
    expires_at: int | None
    not_before: int | None


def compose(*, domain: str, uri: str, chain: str, address: str, nonce: str, at: int, lasts: int, about: str) -> str:
    """The text for a wallet. `at` and `lasts`: microseconds; it may be signed for so long."""
    name = ACCOUNT_NAMES[CHAINS[chain]]
    return "\n".join(
        (
            f"{domain} wants you to sign in with your {name} account:",
            address,
            "",
            about,
            "",
            f"URI: {uri}",
            "Version: 1",
            f"Chain ID: {CHAIN_IDS[chain]}",
            f"Nonce: {nonce}",
            f"Issued At: {_written(at)}",
            f"Expiration Time: {_written(at + lasts)}",
        )
    )


def read(text: str) -> Statement:
    """The statement in a text. Raises BadStatement."""
    if len(text) > MAX_TEXT or "\r" in text:
        raise BadStatement("the text is too long or has carriage returns")
    lines = text.split("\n")
    head = _HEAD.fullmatch(lines[0])
    if head is None or len(lines) < 4 or lines[2] != "":
        raise BadStatement("the text does not begin as a sign-in statement does")
    family = next(family for family, name in ACCOUNT_NAMES.items() if name == head["name"])
    fields = _fields(_after_sentence(lines[3:]))
    chain = CHAIN_OF_ID.get((family, fields["Chain ID"]))
    if chain is None:
        raise BadStatement(f"chain {fields['Chain ID'][:20]} is not one of ours")
    if fields["Version"] != "1" or not _NONCE.fullmatch(fields["Nonce"]):
        raise BadStatement("the version or the nonce is not one of ours")
    return Statement(
        domain=head["domain"].lower(),
        family=family,
        address=lines[1],
        uri=fields["URI"],
        chain=chain,
        nonce=fields["Nonce"],
        issued_at=_instant(fields["Issued At"]),
        expires_at=_instant(fields["Expiration Time"]) if "Expiration Time" in fields else None,
        not_before=_instant(fields["Not Before"]) if "Not Before" in fields else None,
    )


def check(statement: Statement, *, now: int, lasts: int, skew: int, domains: Iterable[str]) -> None:
    """Whether it holds here and now; microseconds. `lasts`: how old it may be at most. Raises BadStatement."""
    if statement.domain not in domains:
        raise BadStatement(f"it was signed for {statement.domain}")
    host = re.fullmatch(r"https?://([^/?#@\s]+)(?:[/?#]\S*)?", statement.uri)
    if host is None or host[1].lower() != statement.domain:
        raise BadStatement("its URI is of another domain")
    if not now - lasts <= statement.issued_at <= now + skew:
        raise BadStatement("it was issued too long ago, or has yet to be")
    if statement.expires_at is not None and statement.expires_at <= now:
        raise BadStatement("it has expired")
    if statement.not_before is not None and statement.not_before > now + skew:
        raise BadStatement("it does not hold yet")


def _after_sentence(lines: list[str]) -> list[str]:
    """The fields' lines: behind the optional sentence, which stands between empty lines."""
    if lines and lines[0] != "" and len(lines) > 1 and lines[1] == "" and not lines[0].startswith("URI: "):
        return lines[2:]
    return lines[1:] if lines and lines[0] == "" else lines


def _fields(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    for name, needed in _FIELDS:
        if place < len(lines) and lines[place].startswith(f"{name}: "):
            found[name] = lines[place].removeprefix(f"{name}: ")
            place += 1
        elif needed:
            raise BadStatement(f"{name} is missing, or not in its place")
    if place < len(lines) and lines[place] == "Resources:":
        place += 1
        while place < len(lines) and lines[place].startswith("- "):
            place += 1
    if place != len(lines):
        raise BadStatement("there is a line too many")
    return found


def _instant(text: str) -> int:
    if not _INSTANT.fullmatch(text):
        raise BadStatement("an instant is not written as RFC 3339 has it")
    try:
        # Python reads six digits of a second; more than a microsecond nobody means.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper()))
        return int(moment.timestamp()) * MICROS + moment.microsecond
    except (ValueError, OverflowError):
        raise BadStatement("an instant is none that there is") from None


def _written(micros: int) -> str:
    return datetime.fromtimestamp(micros // MICROS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
