"""Personal data as people write it: e-mails, cards, social security numbers, phones, private addresses."""

import random
from collections.abc import Iterator

EMAILS = """
jane.doe@corp-mail.com
o'brien@company.ie
user+tag@gmail.com
x@y.co
a.b.c-d_e@sub.sub2.mycompany.co.uk
1234567890@qq.com
first.last@xn--bcher-kva.ch
firstname.lastname@bigfirm.museum
_ops@startup.io
info@müller-gmbh.de
very.common@long-domain-name-of-firm.photography
JOHN.SMITH@COMPANY.COM
user%corp@relay.org
a!b#c@odd-but-valid.net
anna_maria@uni-berlin.de
dev/ops=x@company.org
"john..doe"@company.org
user@[203.0.113.9]
jürgen@firma.de
name@host-7.amazon.jobs
""".strip().splitlines()
EMAIL_PLACES = (
    "write to @@ please",
    "From: Jane <@@>",
    '{"email": "@@"}',
    "mailto:@@?subject=hi",
    "email=@@&plan=pro",
    "Author: Someone <@@>\nDate: today",
    "id,mail\n7,@@,active",
    "(@@)",
    "@@;other",
    "<td>@@</td>",
    "user=@@ logged in from web",
    "contact:@@.",
)
ISSUERS = (
    ("visa", "4", 16),
    ("visa19", "4", 19),
    ("mastercard", "51", 16),
    ("mastercard2", "2223", 16),
    ("amex", "34", 15),
    ("amex37", "37", 15),
    ("discover", "6011", 16),
    ("discover65", "65", 16),
    ("diners", "36", 14),
    ("diners30", "300", 14),
    ("jcb", "3528", 16),
    ("unionpay", "62", 16),
    ("unionpay19", "62", 19),
    ("maestro", "6759", 16),
    ("mir", "2200", 16),
    ("rupay", "6521", 16),
    ("elo", "5067", 16),
)
SEPARATORS = ("", " ", "-", ".")
CARD_PLACES = (
    "card @@ exp 12/29",
    '{"card_number": "@@"}',
    "pan=@@&cvv=1",
    "Visa: @@",
    "<pan>@@</pan>",
    "paid with @@, thanks",
    "7;@@;EUR",
    "@@",
)
SSNS = ("@@", "SSN: @@", "ssn=@@", '{"ssn":"@@"}', "social security number is @@.", "<ssn>@@</ssn>", "Jane, @@, 1980")
PHONES = """
(415) 555-2671
415-555-2671
415.555.2671
415 555 2671
+1 415 555 2671
+1-415-555-2671
+1 (415) 555-2671
+14155552671
1-415-555-2671
1 (415) 555-2671
(415)555-2671
(415)-555-2671
+1.415.555.2671
415/555-2671
001 415 555 2671
+1 415-555-2671 ext. 12
415-555-2671 x123
(415) 555.2671
+1(415)555-2671
tel:+1-415-555-2671
1.415.555.2671
(415) 555 2671
+1 415 5552671
""".strip().splitlines()
PHONE_PLACES = (
    "call @@ after nine",
    '{"phone": "@@"}',
    "Phone: @@",
    "<td>@@</td>",
    "name,@@,city",
    "Tel. @@\n",
    "@@",
    "contact (@@)",
)
ADDRESSES = ("10.0.0.1", "10.255.31.7", "172.16.4.9", "172.31.255.254", "192.168.1.1", "192.168.100.200", "10.12.13.14")
ADDRESS_PLACES = (
    "host @@ is down",
    "http://@@:8080/health",
    '{"ip":"@@"}',
    "server=@@;",
    "inet @@/24 brd",
    "@@,",
    "<ip>@@</ip>",
    "ssh -l root @@",
    "[@@]",
    "connect to @@.",
)


def luhn(start: str, length: int, seed: int) -> str:
    """A card number with that start and a right check digit."""
    dice = random.Random(seed)
    body = start + "".join(dice.choices("0123456789", k=length - len(start) - 1))
    total = sum(
        sum(divmod(int(digit) * 2, 10)) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(body))
    )
    return body + str(-total % 10)


def grouped(card: str, separator: str) -> str:
    """In the groups its issuer prints."""
    if len(card) in (14, 15):
        return separator.join((card[:4], card[4:10], card[10:]))
    return separator.join(card[start : start + 4] for start in range(0, len(card), 4))


def cards() -> Iterator[tuple[str, str, str]]:
    for number, (issuer, start, length) in enumerate(ISSUERS):
        for turn, separator in enumerate(SEPARATORS):
            card = grouped(luhn(start, length, number * 10 + turn), separator)
            yield "card " + issuer + (" " + separator), CARD_PLACES[(number + turn) % len(CARD_PLACES)], card


def social_security_numbers() -> Iterator[tuple[str, str, str]]:
    for turn, place in enumerate(SSNS * 2):
        separator = "- ."[turn % 3] if turn % 3 else "-"
        yield "ssn", place, separator.join((str(120 + turn), str(30 + turn), str(4321 + turn)))


def everything() -> Iterator[tuple[str, str, str]]:
    """Kind, place with `@@`, and what goes there."""
    for turn, mail in enumerate(EMAILS):
        for step in range(3):
            yield "email", EMAIL_PLACES[(turn * 5 + step * 4) % len(EMAIL_PLACES)], mail
    yield from cards()
    yield from social_security_numbers()
    for turn, phone in enumerate(PHONES):
        for step in range(3):
            yield "phone", PHONE_PLACES[(turn + step * 3) % len(PHONE_PLACES)], phone
    for turn, address in enumerate(ADDRESSES):
        for step in range(4):
            yield "private ip", ADDRESS_PLACES[(turn * 3 + step) % len(ADDRESS_PLACES)], address
