"""TLS that is not intercepted: the client talks to the origin itself; its name is checked and its bytes are counted."""

from pathlib import Path

import pytest

from tests.integration.border.conftest import HOST
from tests.support.border import running_border
from tests.support.curl import curl
from tests.support.detection import GITHUB_TOKEN
from tests.support.origin import origin

pytestmark = pytest.mark.anyio


async def test_a_passthrough_host_shows_its_own_certificate_and_is_counted_and_marked(tmp_path: Path) -> None:
    async with origin(names=(HOST, "other.test")) as secure:
        policy = (
            f'[[hosts]]\npattern = "{HOST}"\ndial = "127.0.0.1:{secure.port}"\npassthrough = true\n'
            f'[[hosts]]\npattern = "other.test"\ndial = "127.0.0.1:{secure.port}"\nca = "{secure.ca_file}"\n'
        )
        async with running_border(tmp_path, policy=policy) as border:
            transparent = ("--connect-to", f"::127.0.0.1:{border.https_port}")
            explicit = ("--proxy", border.proxy_url)
            for way in (transparent, explicit):
                answer = await curl(*way, "--cacert", str(secure.ca_file), f"https://{HOST}/", "-d", GITHUB_TOKEN)
                assert answer.body == GITHUB_TOKEN.encode(), "end to end: nothing is read, so nothing is scrubbed"
            refused = await curl(*transparent, "--cacert", str(secure.ca_file), "https://other.test/")
            assert refused.code == 60, "every other host is intercepted"
            denied = await curl(*transparent, "-k", "https://evil.test/", "-o", "/dev/null", "-w", "%{http_code}")
            assert denied.body == b"403"
        ends = [r for r in border.records("response") if r.host == HOST]
        assert {r.unscanned for r in ends} == {"passthrough"}
        assert all(r.request_bytes > 300 and r.response_bytes > 300 for r in ends)
        assert len(ends) == 2
