"""Whether a wallet's key has signed a text. The curves are the libraries' (eth-keys, cryptography); here is framing.

EVM chains: EIP-191, secp256k1, EIP-55 addresses. Solana: ed25519. Bitcoin: signed messages of P2PKH and P2WPKH keys.
A contract wallet has no key (EIP-1271 asks the chain); such a wallet is refused.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from Crypto.Hash import RIPEMD160
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from eth_hash.auto import keccak
from eth_keys.datatypes import PublicKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from services.gateway.domain.statement import Family
from services.gateway.identity.encodings import (
    base58_decode,
    base58check_decode,
    base58check_encode,
    segwit_address,
)

MAX_SIGNATURE_TEXT: Final = 256
_BITCOIN_MAGIC: Final = b"\x18Bitcoin Signed Message:\n"
_LEGACY_COMPRESSED, _WITNESS = range(31, 35), range(39, 43)


class BadAddress(ValueError):  # noqa: N818 - a verdict on a text
    """No address of its family, or not as the family writes it."""


def canonical_address(family: Family, address: str) -> str:
    """An address in the one form that we keep. Raises BadAddress."""
    try:
        return _CANONICAL[family](address)
    except (ValueError, binascii.Error) as error:
        raise BadAddress(f"no {family} address: {error}") from None


def signed_by(family: Family, address: str, text: str, signature: str) -> bool:
    """Whether the signature of the text is by the key of the canonical address. Never raises for what a client sent."""
    if len(signature) > MAX_SIGNATURE_TEXT:
        return False
    try:
        return _CHECKS[family](address, text.encode(), signature)
    except (ValueError, binascii.Error, BadSignature, ValidationError, InvalidSignature):
        return False


def _evm_address(text: str) -> str:
    body = text.removeprefix("0x")
    if len(body) != 40 or len(text) != 42:
        raise ValueError("it has 40 hexadecimal digits after 0x")
    bytes.fromhex(body)
    digits = keccak(body.lower().encode()).hex()
    checked = "0x" + "".join(
        letter.upper() if int(digit, 16) > 7 else letter for letter, digit in zip(body.lower(), digits, strict=False)
    )
    if body not in (body.lower(), body.upper()) and text != checked:
        raise ValueError("its capitals are wrong (EIP-55)")
    return checked


def _evm(address: str, text: bytes, signature: str) -> bool:
    raw = bytes.fromhex(signature.removeprefix("0x"))
    if len(raw) != 65 or raw[64] not in (0, 1, 27, 28):
        return False
    digest = keccak(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text)
    return bool(_recovered(raw[:64], raw[64] % 27, digest).to_checksum_address() == address)


def _solana_address(text: str) -> str:
    if len(base58_decode(text)) != 32:
        raise ValueError("it has 32 bytes")
    return text


def _solana(address: str, text: bytes, signature: str) -> bool:
    raw = base64.b64decode(signature, validate=True) if signature.endswith("=") else base58_decode(signature)
    Ed25519PublicKey.from_public_bytes(base58_decode(address)).verify(raw, text)
    return True


def _bitcoin_address(text: str) -> str:
    if text.lower().startswith("bc1q") and len(text) == 42 and text in (text.lower(), text.upper()):
        return text.lower()
    payload = base58check_decode(text)
    if len(payload) != 21 or payload[0] != 0:
        raise ValueError("it is neither P2PKH nor P2WPKH")
    return text


def _bitcoin(address: str, text: bytes, signature: str) -> bool:
    raw = base64.b64decode(signature, validate=True)
    if len(raw) != 65 or len(text) > 0xFFFF:
        return False
    length = bytes([len(text)]) if len(text) < 0xFD else b"\xfd" + len(text).to_bytes(2, "little")
    digest = hashlib.sha256(hashlib.sha256(_BITCOIN_MAGIC + length + text).digest()).digest()
    public = _recovered(raw[1:], (raw[0] - 27) % 4, digest).to_compressed_bytes()
    owner = RIPEMD160.new(hashlib.sha256(public).digest()).digest()
    if raw[0] in _LEGACY_COMPRESSED and address == base58check_encode(b"\0" + owner):
        return True
    # Many wallets sign for a P2WPKH address with the header of a legacy one.
    return raw[0] in (*_LEGACY_COMPRESSED, *_WITNESS) and address == segwit_address("bc", owner)


def _recovered(rs: bytes, parity: int, digest: bytes) -> PublicKey:
    r, s = int.from_bytes(rs[:32], "big"), int.from_bytes(rs[32:], "big")
    return Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)


_CANONICAL: Final[Mapping[Family, Callable[[str], str]]] = {
    "evm": _evm_address,
    "solana": _solana_address,
    "bitcoin": _bitcoin_address,
}
_CHECKS: Final[Mapping[Family, Callable[[str, bytes, str], bool]]] = {
    "evm": _evm,
    "solana": _solana,
    "bitcoin": _bitcoin,
}
