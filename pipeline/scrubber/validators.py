"""Checks that no regex can make, by the name a rule file gives in `validate`. Each takes the secret's bytes."""

from collections.abc import Callable, Mapping

_DIGITS = bytes(range(0x30, 0x3A))
_NOT_DIGITS = bytes(i for i in range(256) if i not in _DIGITS)
_DOUBLED = bytes.maketrans(_DIGITS, b"0246813579")
"""A digit to the digit sum of its double."""


def _digits(text: bytes) -> bytes:
    return text.translate(None, _NOT_DIGITS)


def passes_luhn(digits: bytes) -> bool:
    """The checksum of ISO/IEC 7812-1 over ASCII digits."""
    plain, doubled = digits[::-2], digits[-2::-2].translate(_DOUBLED)
    total = sum(plain) + sum(doubled) - 0x30 * len(digits)
    return total % 10 == 0


_CARD_LENGTHS: tuple[tuple[int, int, range], ...] = (
    # First six digits from, to, and number of digits, by issuer.
    (400000, 499999, range(13, 20)),  # Visa
    (510000, 559999, range(16, 17)),  # Mastercard
    (222100, 272099, range(16, 17)),  # Mastercard
    (340000, 349999, range(15, 16)),  # American Express
    (370000, 379999, range(15, 16)),  # American Express
    (601100, 601199, range(16, 20)),  # Discover
    (622126, 622925, range(16, 20)),  # Discover, UnionPay
    (644000, 659999, range(16, 20)),  # Discover
    (620000, 629999, range(16, 20)),  # UnionPay
    (810000, 817199, range(16, 20)),  # UnionPay
    (300000, 305999, range(14, 20)),  # Diners Club
    (309500, 309599, range(14, 20)),  # Diners Club
    (360000, 369999, range(14, 20)),  # Diners Club
    (380000, 399999, range(14, 20)),  # Diners Club
    (352800, 358999, range(16, 20)),  # JCB
    (500000, 509999, range(12, 20)),  # Maestro, Elo
    (560000, 589999, range(12, 20)),  # Maestro
    (630000, 639999, range(12, 20)),  # Maestro, Hipercard
    (670000, 679999, range(12, 20)),  # Maestro
    (220000, 220499, range(16, 20)),  # Mir
    (100000, 199999, range(15, 16)),  # UATP
)


def is_card(secret: bytes) -> bool:
    """A card number: an issuer's range, that issuer's length, Luhn, and not one digit only."""
    digits = _digits(secret)
    if not 12 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    prefix, length = int(digits[:6]), len(digits)
    return any(low <= prefix <= high and length in lengths for low, high, lengths in _CARD_LENGTHS) and passes_luhn(
        digits
    )


_SSN_EXAMPLES = frozenset({b"078051120", b"219099999", b"457555462", b"123456789", b"987654321"})
"""Printed in advertisements and forms, never anybody's."""


def is_ssn(secret: bytes) -> bool:
    """A US social security number that can have been given out: area not 000, 666 or 9xx, no part all zero."""
    digits = _digits(secret)
    if len(digits) != 9 or digits in _SSN_EXAMPLES or len(set(digits)) == 1:
        return False
    area = digits[:3]
    return area not in (b"000", b"666") and area[0] != 0x39 and digits[3:5] != b"00" and digits[5:] != b"0000"


def is_nanp_phone(secret: bytes) -> bool:
    """A number of the North American plan: area and exchange begin with 2-9 and are no service code (N11)."""
    digits = _digits(secret)
    if len(digits) == 11 and digits.startswith(b"1"):
        digits = digits[1:]
    if len(digits) != 10 or len(set(digits)) < 3:
        return False
    area, exchange = digits[:3], digits[3:6]
    return area[0] >= 0x32 and exchange[0] >= 0x32 and area[1:] != b"11" and exchange[1:] != b"11"


def _octets(secret: bytes) -> tuple[int, ...] | None:
    parts = secret.split(b".")
    if len(parts) != 4 or not all(p.isdigit() and len(p) <= 3 and (p == b"0" or not p.startswith(b"0")) for p in parts):
        return None
    numbers = tuple(int(part) for part in parts)
    return numbers if max(numbers) <= 255 else None


def is_private_ipv4(secret: bytes) -> bool:
    """An address of RFC 1918: 10/8, 172.16/12 or 192.168/16. Loopback and link-local are nobody's secret."""
    octets = _octets(secret)
    if octets is None:
        return False
    first, second = octets[:2]
    return first == 10 or (first == 172 and 16 <= second <= 31) or (first == 192 and second == 168)


def is_email(secret: bytes) -> bool:
    """One `@`, a local part and a domain as RFC 5321 allows them; no image or script name such as `icon@2x.png`."""
    local, at, domain = secret.partition(b"@")
    labels = domain.split(b".")
    if not (at and local) or b"@" in domain or len(local) > 64 or len(domain) > 253 or len(labels) < 2:
        return False
    if local.startswith(b".") or local.endswith(b".") or b".." in local:
        return False
    fits = all(0 < len(label) <= 63 and label[0] != 0x2D and label[-1] != 0x2D for label in labels)
    return fits and labels[-1].isalpha() and labels[-1].lower() not in _FILE_ENDINGS


_FILE_ENDINGS = frozenset(
    b"png jpg jpeg gif svg webp ico bmp avif css scss less js mjs cjs jsx ts tsx json map html xml py rb php".split()
)


def is_iban(secret: bytes) -> bool:
    """An IBAN's check digits (ISO 7064 mod 97-10)."""
    text = secret.replace(b" ", b"").upper()
    if not 15 <= len(text) <= 34 or not text.isalnum():
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(chr(c), 36)) for c in turned)) % 97 == 1


VALIDATORS: Mapping[str, Callable[[bytes], bool]] = {
    "luhn": is_card,
    "ssn": is_ssn,
    "us-phone": is_nanp_phone,
    "ipv4-private": is_private_ipv4,
    "email": is_email,
    "iban": is_iban,
}
