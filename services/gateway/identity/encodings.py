"""How chains write addresses and signatures as text: base58, bech32. Encodings, no cryptography."""

import hashlib
import hmac
from typing import Final

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
MAX_TEXT: Final = 128


def base58_decode(text: str) -> bytes:
    """Raises ValueError."""
    if not 0 < len(text) <= MAX_TEXT:
        raise ValueError("not base58: empty or too long")
    number = 0
    for letter in text:
        if (value := _BASE58.find(letter)) < 0:
            raise ValueError("not base58")
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58_encode(data: bytes) -> str:
    """The inverse."""
    number, letters = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        letters = _BASE58[rest] + letters
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + letters


def base58check_encode(payload: bytes) -> str:
    """With Bitcoin's check sum of four bytes."""
    return base58_encode(payload + _check(payload))


def base58check_decode(text: str) -> bytes:
    """The payload; ValueError when the check sum is wrong."""
    data = base58_decode(text)
    payload, check = data[:-4], data[-4:]
    if not hmac.compare_digest(_check(payload), check):
        raise ValueError("the check sum is wrong")
    return payload


def segwit_address(prefix: str, program: bytes) -> str:
    """BIP-173: a witness program of version 0 as text."""
    data = [0, *_regroup(program)]
    expanded = [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]
    check = _polymod([*expanded, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    return f"{prefix}1" + "".join(_BECH32[value] for value in (*data, *(check >> 5 * (5 - i) & 31 for i in range(6))))


def _check(payload: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]


def _regroup(data: bytes) -> list[int]:
    """Eight bits at a time to five; an incomplete last group is filled with zeros."""
    bits = "".join(f"{byte:08b}" for byte in data)
    return [int(bits[place : place + 5].ljust(5, "0"), 2) for place in range(0, len(bits), 5)]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for place, factor in enumerate(_GENERATOR):
            check ^= factor if top >> place & 1 else 0
    return check
