"""Checks that no regex can make."""

import pytest

from pipeline.scrubber.validators import VALIDATORS


@pytest.mark.parametrize(
    ("name", "secret", "holds"),
    [
        ("luhn", b"4111 1111 1111 1111", True),
        ("luhn", b"4111-1111-1111-1112", False),
        ("luhn", b"378282246310005", True),
        ("luhn", b"30569309025904", True),
        ("luhn", b"6011111111111117", True),
        ("luhn", b"3530111333300000", True),
        ("luhn", b"2223003122003222", True),
        ("luhn", b"1111111111111117", False),
        ("luhn", b"0000000000000000", False),
        ("luhn", b"9999999999999995", False),
        ("luhn", b"41111111111", False),
        ("ssn", b"536-22-8145", True),
        ("ssn", b"000-22-8145", False),
        ("ssn", b"666-22-8145", False),
        ("ssn", b"936-22-8145", False),
        ("ssn", b"536-00-8145", False),
        ("ssn", b"536-22-0000", False),
        ("ssn", b"078-05-1120", False),
        ("us-phone", b"(212) 736-5000", True),
        ("us-phone", b"+1 212 736 5000", True),
        ("us-phone", b"112 736 5000", False),
        ("us-phone", b"212-911-5000", False),
        ("us-phone", b"222-222-2222", False),
        ("ipv4-private", b"10.1.2.3", True),
        ("ipv4-private", b"172.31.0.1", True),
        ("ipv4-private", b"172.32.0.1", False),
        ("ipv4-private", b"192.168.1.1", True),
        ("ipv4-private", b"127.0.0.1", False),
        ("ipv4-private", b"10.1.2.300", False),
        ("ipv4-private", b"10.01.2.3", False),
        ("email", b"bob@x.io", True),
        ("email", b"icon@2x.png", False),
        ("email", b".bob@x.io", False),
        ("email", b"bob@-x.io", False),
        ("email", b"bob@host", False),
        ("iban", b"DE89 3704 0044 0532 0130 00", True),
        ("iban", b"DE88 3704 0044 0532 0130 00", False),
    ],
)
def test_a_validator_knows_the_real_from_the_alike(name: str, secret: bytes, holds: bool) -> None:
    assert VALIDATORS[name](secret) is holds


@pytest.mark.parametrize("name", sorted(VALIDATORS))
def test_a_validator_takes_any_bytes(name: str) -> None:
    for junk in (b"", b"\xff\xfe", b"...", b"@", b"-", b"1" * 500, "\u0663\u0664".encode()):
        assert VALIDATORS[name](junk) is False
