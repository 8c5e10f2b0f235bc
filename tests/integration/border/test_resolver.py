"""The resolver on real sockets: what a client may ask, and what it is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from tests.integration.border.resolver_client import HEADER, LISTED, UNLISTED, ask, asked, recorded, send, tcp_port
from tests.support.border import Running, running_border
from vibedom.resolver import FIXED_ADDRESS

pytestmark = pytest.mark.anyio

EMPTY = ("AAAA", "HTTPS", "SVCB")
DENIED = ("TXT", "MX", "SRV", "NULL", "ANY", "AXFR", "IXFR", "NS", "SOA", "PTR", "CNAME", "DS", "RRSIG", "TYPE65280")


@pytest.fixture
async def border(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_border(tmp_path, domains=f"{LISTED}\n*.wild.test\n") as made:
        yield made


@pytest.mark.parametrize("way", ["udp", "tcp"])
async def test_every_type_of_a_listed_name_is_answered_in_its_way_and_recorded(border: Running, way: str) -> None:
    answers = {}
    for kind in ("A", *EMPTY, *DENIED):
        query = dns.message.from_wire(dns.message.make_query(LISTED, kind).to_wire())
        if way == "udp":
            answers[kind] = await ask(border, query)
        else:
            answers[kind] = await dns.asyncquery.tcp(query, "127.0.0.1", port=tcp_port(border), timeout=10)
    [address] = answers["A"].answer
    assert address.to_text() == f"{LISTED}. 60 IN A {FIXED_ADDRESS}"
    for kind, answer in answers.items():
        assert answer.rcode() == (dns.rcode.NXDOMAIN if kind in DENIED else dns.rcode.NOERROR), kind
        assert kind == "A" or not (answer.answer or answer.authority or answer.additional), kind
    assert asked(border) == [
        *((LISTED, kind, "allow", "listed") for kind in ("A", *EMPTY)),
        *((LISTED, kind, "deny", "dns-type") for kind in DENIED),
    ]


async def test_a_name_that_is_not_listed_does_not_exist_whatever_is_asked(border: Running) -> None:
    names = [UNLISTED, f"x.{LISTED}", f"{LISTED}.{UNLISTED}", f"evil{LISTED}", "wild.test", "test", "a.b"]
    for name in names:
        for kind in ("A", "AAAA", "HTTPS", "TXT"):
            answer = await ask(border, dns.message.make_query(name, kind))
            assert (answer.rcode(), answer.answer, answer.authority) == (dns.rcode.NXDOMAIN, [], []), (name, kind)
    reasons = {record.reason for record in border.records("dns") if record.question != "TXT"}
    assert reasons == {"not-listed"}
    assert [record.host for record in border.records("dns")] == [name for name in names for _ in range(4)]


@pytest.mark.parametrize("kind", [dns.rdataclass.CH, dns.rdataclass.HS, dns.rdataclass.ANY, dns.rdataclass.NONE])
async def test_a_question_of_another_class_has_no_answer(border: Running, kind: dns.rdataclass.RdataClass) -> None:
    answer = await ask(border, dns.message.make_query(LISTED, "A", rdclass=kind))
    assert (answer.rcode(), answer.answer) == (dns.rcode.NXDOMAIN, [])
    assert asked(border) == [(LISTED, "A", "deny", "dns-type")]


async def test_the_case_of_a_question_comes_back_as_it_was_and_does_not_matter(border: Running) -> None:
    query = dns.message.make_query("gOoD.TeSt", "A")
    answer = await ask(border, query)
    assert answer.question[0].name.to_text() == "gOoD.TeSt."
    assert answer.answer[0].name.to_text() == "gOoD.TeSt."
    assert query.to_wire()[12:] in answer.to_wire()
    assert asked(border) == [(LISTED, "A", "allow", "listed")]


async def test_names_at_the_limits_are_answered_and_longer_ones_are_not_names(border: Running) -> None:
    labels = ["a" * 63, "b" * 63, "c" * 63]
    longest = ".".join([*labels, "d" * (253 - 3 * 64 - len(".wild.test")), "wild.test"])
    assert len(longest) == 253
    assert (await ask(border, dns.message.make_query(longest, "A"))).answer[0][0].to_text() == FIXED_ADDRESS
    many = ".".join(["a"] * 122) + ".wild.test"
    assert (await ask(border, dns.message.make_query(many[-253:].lstrip("."), "A"))).rcode() == dns.rcode.NOERROR
    head = HEADER.pack(7, 0x0100, 1, 0, 0, 0)
    over = b"".join(bytes([len(one)]) + one.encode() for one in [*labels, "e" * 54, "wild", "test"]) + b"\0"
    assert len(over) == 258
    label_of_64 = b"\x40" + b"a" * 64 + b"\x04wild\x04test\0"
    assert await send(border, *(head + name + b"\0\x01\0\x01" for name in (over, label_of_64))) == []
    assert len(await recorded(border, "malformed", 2)) == 2


@pytest.mark.parametrize(
    "labels",
    [
        [b"good.test"],
        [b"good.test", b"evil"],
        [b"evil.good", b"test"],
        [b"good", b"test\0"],
        [b"good\xc3\xa9", b"test"],
        [b"good ", b"test"],
        [b"a@good", b"test"],
        [b"a\nb", b"wild", b"test"],
        [b"\x1b[2J", b"wild", b"test"],
        [b"\\", b"wild", b"test"],
        [b"-a", b"wild", b"test"],
        [b"*", b"wild", b"test"],
        [],
    ],
)
async def test_labels_that_no_host_has_do_not_exist(border: Running, labels: list[bytes]) -> None:
    query = dns.message.make_query(dns.name.Name([*labels, b""]), "A")
    answer = await ask(border, query)
    assert (answer.rcode(), answer.answer) == (dns.rcode.NXDOMAIN, [])
    assert [(one.verdict, one.question) for one in border.records("dns")] == [("deny", "A")]


@pytest.mark.parametrize("payload", [0, 1, 512, 1232, 65535])
async def test_edns_of_any_size_with_unknown_options_is_answered_without_them(border: Running, payload: int) -> None:
    options = [
        dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"x" * 40),
        dns.edns.GenericOption(dns.edns.OptionType.make(10), b"12345678"),
        dns.edns.ECSOption("203.0.113.0", 24),
        dns.edns.GenericOption(dns.edns.OptionType.make(12), bytes(300)),
    ]
    query = dns.message.make_query(LISTED, "A", use_edns=0, payload=payload, options=options, want_dnssec=True)
    answer = await ask(border, query)
    assert answer.answer[0][0].to_text() == FIXED_ADDRESS
    assert (answer.edns, list(answer.options), answer.payload) == (0, [], 4096)
    assert len(answer.to_wire()) <= 512
    assert not answer.flags & dns.flags.AD


async def test_another_version_of_edns_is_refused_by_its_own_code(border: Running) -> None:
    answer = await ask(border, dns.message.make_query(LISTED, "A", use_edns=1))
    assert (answer.rcode(), answer.answer, answer.edns) == (dns.rcode.BADVERS, [], 0)
    assert asked(border) == [(LISTED, "A", "deny", "malformed")]
