"""Hashes of sealed orders: what a commitment binds to, and the sequence of a batch (decision 22).

digest = SHA-256 of "cleartide sealed order 1", account, market, salt and the order's terms, one per line; the terms are
JSON with sorted keys and no spaces, without the fields that are at their defaults. All hashes are lower-case hex.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from cleartide.contracts import OrderTerms

TAG: Final = "cleartide sealed order 1"


def digest_of(account: str, market: str, salt: str, order: OrderTerms) -> str:
    """What to commit to. The account is in it, so that nobody else can open a copied digest."""
    fields = OrderTerms.model_fields
    terms = {name: value for name, value in order.model_dump(exclude_defaults=True).items() if name in fields}
    body = json.dumps(terms, sort_keys=True, separators=(",", ":"))
    return _hash("\n".join((TAG, account, market, salt, body)))


def seed_of(salts: Mapping[str, str]) -> str:
    """What the salts of a batch, by digest, make together: whoever opens last cannot change his own any more."""
    return _hash("".join(f"{digest}{salts[digest]}" for digest in sorted(salts)))


def sequence(salts: Mapping[str, str]) -> list[str]:
    """The digests of a batch in the order in which it executes, whoever came first."""
    seed = seed_of(salts)
    return sorted(salts, key=lambda digest: (_hash(seed + digest), digest))


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
