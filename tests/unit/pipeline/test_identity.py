"""All the names of an exchange agree, or there is nothing to decide on."""

from typing import Any

import pytest

from pipeline.identity import Said, identify


def said(**changes: Any) -> Said:
    return Said(**({"listener": "https", "is_tls": True, "sni": "a.test", "authorities": ("a.test",)} | changes))


@pytest.mark.parametrize(
    "agreeing",
    [
        said(),
        said(sni="A.TEST", authorities=("a.test.",)),
        said(authorities=("a.test:443",)),
        said(authorities=("a.test",), uri_host="a.test", uri_port=443),
        said(listener="proxy", tunnel=("a.test", 443)),
        said(listener="proxy", tunnel=("a.test", 8443), authorities=("a.test",)),
        said(listener="proxy", tunnel=("a.test", 8443), authorities=("a.test:8443",)),
        said(listener="proxy", tunnel=("a.test", 443), authorities=()),
        said(listener="proxy", is_tls=False, sni=None, uri_host="a.test", uri_port=443, is_connect=True),
        said(
            listener="proxy",
            is_tls=False,
            sni=None,
            uri_host="a.test",
            uri_port=8443,
            is_connect=True,
            authorities=("a.test:8443",),
        ),
    ],
)
def test_names_that_agree_give_one_host(agreeing: Said) -> None:
    target = identify(agreeing)
    assert (target.mismatch, target.host) == (None, "a.test")


@pytest.mark.parametrize(
    ("differing", "reason"),
    [
        (said(sni=None), "sni-missing"),
        (said(sni="b.test"), "sni-mismatch"),
        (said(sni="a.test\x00b.test"), "bad-host"),
        (said(authorities=("b.test",)), "sni-mismatch"),
        (said(authorities=()), "bad-host"),
        (said(authorities=("a.test", "a.test")), "authority-mismatch"),
        (said(authorities=("a.test", "b.test")), "authority-mismatch"),
        (said(authorities=("a.test:8443",)), "bad-port"),
        (said(authorities=("a.test:0",)), "bad-port"),
        (said(authorities=("a.test@b.test",)), "bad-host"),
        (said(authorities=("a.test",), uri_host="b.test", uri_port=443), "authority-mismatch"),
        (said(listener="proxy", tunnel=("b.test", 443)), "authority-mismatch"),
        (said(listener="proxy", tunnel=("a.test", 443), sni="b.test"), "sni-mismatch"),
        (said(listener="proxy", tunnel=("a.test", 443), authorities=("a.test:8443",)), "authority-mismatch"),
        (said(listener="http", is_tls=False, sni=None, authorities=("a.test:81",)), "bad-port"),
        (said(listener="proxy", is_tls=False, sni=None, uri_host="a.test", uri_port=443), "authority-mismatch"),
        (
            said(
                listener="proxy",
                is_tls=False,
                sni=None,
                uri_host="a.test",
                uri_port=443,
                is_connect=True,
                authorities=("b.test",),
            ),
            "authority-mismatch",
        ),
        (
            said(
                listener="proxy",
                is_tls=False,
                sni=None,
                uri_host="a.test",
                uri_port=443,
                is_connect=True,
                authorities=("a.test:80",),
            ),
            "authority-mismatch",
        ),
    ],
)
def test_names_that_differ_are_no_target(differing: Said, reason: str) -> None:
    assert identify(differing).mismatch == reason


def test_an_address_needs_no_server_name_in_a_tunnel_only() -> None:
    assert (
        identify(said(listener="proxy", sni=None, authorities=("192.0.2.1",), tunnel=("192.0.2.1", 443))).mismatch
        is None
    )
    assert identify(said(sni=None, authorities=("192.0.2.1",))).mismatch == "sni-missing"
