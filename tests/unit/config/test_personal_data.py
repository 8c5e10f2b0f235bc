"""Personal data: what is a number of that kind, and what only looks like one."""

import pytest

from tests.unit.config.redaction import Redaction

CARD = "4111" + "1111" * 3
FOUND = {
    "credit-card": [CARD, " ".join((CARD[:4], CARD[4:8], CARD[8:12], CARD[12:])), '{"card": "' + CARD + '"}'],
    "us-ssn": ["536-22-" + "8726", "536 22 " + "8726"],
    "us-ssn-named": ["ssn=536228" + "726", '"social_security_number": "536228' + '726"'],
    "us-phone": ["(415) 555-" + "0132", "+1 415 555 " + "0132", "call 415-555-" + "0132 ext. 7", "+14155550" + "132"],
    "us-phone-named": ['"phone": "4155550' + '132"'],
    "intl-phone": ["+49 30 123" + "4567", "+44 (20) 7123 " + "4567"],
    "email": ["ada@demo.test", "a.b+c@mail.example.co.uk", "ж@почта.рф"],
    "private-ipv4": ["10.1.2.3", "http://192.168.1.20:8080/", "172.31.0.1,"],
    "private-ipv6": ["fd12:3456:789a::1", "fe80::1"],
}
NOT_FOUND = [
    "4111 1111 1111 1112",
    "1700000000000000",
    "0." + CARD,
    "536-22-87261",
    "000-22-8726",
    "4155550132",
    "1-2-3 testing 415-555",
    "192.168.1.256",
    "10.1.2.3.4",
    "8.8.8.8",
    "127.0.0.1",
    "std::cout << ab::cd",
    "icon@2x.png",
    "git@github.com:a/b.git",
    "@decorator.name",
    "a @ b.c",
]


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in FOUND.items() for text in texts])
def test_it_is_found(redact: Redaction, rule: str, text: str) -> None:
    assert rule in redact.rules(text)


@pytest.mark.parametrize("text", NOT_FOUND)
def test_it_is_left_alone(redact: Redaction, text: str) -> None:
    assert redact(text) == text


def test_three_cards_side_by_side_are_three_cards(redact: Redaction) -> None:
    text = f"{CARD} {CARD[:4]}-{CARD[4:8]}-{CARD[8:12]}-{CARD[12:]} {CARD}"
    assert redact(text) == " ".join(["[REDACTED_CREDIT_CARD]"] * 3)
