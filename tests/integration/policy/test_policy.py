"""What each part of the policy does to real requests: what the origin got, and what the agent was told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.border import Running, running_border
from tests.support.curl import Answer, curl
from tests.support.detection import ANTHROPIC_KEY, GITHUB_TOKEN
from tests.support.origin import Origin, origin

pytestmark = pytest.mark.anyio
NAMES = ("api.anthropic.com", "console.anthropic.com", "api.github.com", "shared.test", "corp.test", "other.test")


class Rig:
    """One origin that is dialled for all names, behind a border."""

    def __init__(self, border: Running, far: Origin) -> None:
        self.border = border
        self.far = far

    async def get(self, url: str, *arguments: str) -> Answer:
        return await curl(
            "--proxy", self.border.proxy_url, "--cacert", self.border.ca_file, "--path-as-is", *arguments, url
        )

    @property
    def targets(self) -> list[str]:
        return [each.target for each in self.far.arrived]


@asynccontextmanager
async def rig(directory: Path, more: str = "", entries: dict[str, str] | None = None) -> AsyncIterator[Rig]:
    """`entries`: more keys of a name's entry."""
    async with origin(names=NAMES) as far:
        hosts = [
            f'[[hosts]]\npattern = "{name}"\ndial = "127.0.0.1:{far.port}"\nca = "{far.ca_file}"\n'
            + (entries or {}).get(name, "")
            for name in NAMES
        ]
        async with running_border(directory, policy="\n".join([*hosts, more])) as border:
            yield Rig(border, far)


async def test_other_tenants_of_a_shared_host_cannot_be_reached_by_any_spelling(tmp_path: Path) -> None:
    async with rig(tmp_path, entries={"shared.test": 'paths = ["/mine/"]\n'}) as made:
        for path in ("/mine/a", "/mine/x/../b"):
            assert (await made.get(f"https://shared.test{path}", "-w", "%{http_code}")).body.endswith(b"200")
        for path in (
            "/other/a",
            "/mine/../other",
            "/mine%2f..%2fother",
            "//other",
            "/mine/%252e%252e/other",
            "/mine/..;/other",
            "/mine/..%5cother",
        ):
            answer = await made.get(f"https://shared.test{path}", "-H", "Accept: application/json")
            assert json.loads(answer.body)["error"]["reason"] == "method-or-path-not-listed"
        assert made.targets == ["/mine/a", "/mine/x/../b"]


async def test_methods_of_a_rule_are_the_only_ones(tmp_path: Path) -> None:
    async with rig(tmp_path, entries={"shared.test": 'methods = ["GET"]\n'}) as made:
        await made.get("https://shared.test/a")
        answer = await made.get("https://shared.test/a", "-d", "x=1", "-w", "%{http_code}")
        assert answer.body.endswith(b"403")
        assert [each.method for each in made.far.arrived] == ["GET"]


async def test_listed_address_and_port_is_reached_and_its_other_ports_are_a_403(tmp_path: Path) -> None:
    async with origin() as far, origin() as neighbour:
        async with running_border(tmp_path, domains=f"127.0.0.1:{far.port}\n") as border:
            made = Rig(border, far)
            listed = await made.get(f"http://127.0.0.1:{far.port}/", "-w", "%{http_code}")
            other = await made.get(
                f"http://127.0.0.1:{neighbour.port}/", "-H", "Accept: application/json", "-w", "\n%{http_code}"
            )
        assert listed.body.endswith(b"200")
        body, _, code = other.body.rpartition(b"\n")
        assert (code, json.loads(body)["error"]["reason"]) == (b"403", "not-listed")
        assert neighbour.arrived == []


async def test_most_specific_rule_wins_over_a_rule_that_denies_everything(tmp_path: Path) -> None:
    async with rig(tmp_path, more='[[hosts]]\npattern = "*"\nverdict = "deny"\n') as made:
        assert (await made.get("https://other.test/", "-w", "%{http_code}")).body.endswith(b"200")
        await made.get("https://elsewhere.test/")
        denied = [record for record in made.border.sink.records if record.verdict == "deny"]
        assert {(record.host, record.reason) for record in denied} == {("elsewhere.test", "denied-by-rule")}


async def test_agents_api_gets_its_own_keys_byte_exact_and_nobody_elses(tmp_path: Path) -> None:
    async with rig(tmp_path) as made:
        bearer = "Bearer " + "any.opaque.token.of.the.agent"
        for path, header in (
            ("/v1/messages", f"x-api-key: {ANTHROPIC_KEY}"),
            ("/v1/messages", f"Authorization: Bearer {ANTHROPIC_KEY}"),
            ("/events", f"Authorization: {bearer}"),
            ("/v1/messages", f"Authorization: Bearer {GITHUB_TOKEN}"),
        ):
            await made.get(f"https://api.anthropic.com{path}", "-H", header)
        await made.get("https://other.test/", "-H", f"x-api-key: {ANTHROPIC_KEY}")
        got = [each.everything.decode() for each in made.far.arrived]
        assert ANTHROPIC_KEY in got[0]
        assert f"Bearer {ANTHROPIC_KEY}" in got[1]
        assert bearer in got[2]
        assert GITHUB_TOKEN not in got[3]
        assert ANTHROPIC_KEY not in got[4]
        findings = [finding for record in made.border.records("request") for finding in record.findings]
        at_home = [(finding.action, finding.is_home, finding.severity) for finding in findings if finding.is_home]
        assert at_home == [("allow", True, "low")] * 2
        elsewhere = [(finding.action, finding.severity) for finding in findings if not finding.is_home]
        assert elsewhere == [("scrub", "high")] * 2


async def test_login_keeps_its_credential_and_a_prompt_does_not(tmp_path: Path) -> None:
    as_json = ("-H", "Content-Type: application/json")
    home = {"console.anthropic.com": 'home_for = ["anthropic-api-key"]\n'}
    async with rig(tmp_path, entries=home) as made:
        login = json.dumps({"grant_type": "refresh_token", "refresh_token": ANTHROPIC_KEY})
        prompt = json.dumps({"messages": [{"role": "user", "content": f"my key is {ANTHROPIC_KEY}"}]})
        answer = await made.get("https://console.anthropic.com/v1/oauth/token", *as_json, "-d", login)
        await made.get("https://api.anthropic.com/v1/messages", *as_json, "-d", prompt)
        assert made.far.arrived[0].body.decode() == login
        assert answer.body.decode() == login  # what the login answers with reaches the agent
        assert ANTHROPIC_KEY not in made.far.arrived[1].body.decode()
        assert "[REDACTED_ANTHROPIC_API_KEY]" in made.far.arrived[1].body.decode()


async def test_internal_service_gets_credentials_with_an_alert_and_no_secrets(tmp_path: Path) -> None:
    async with rig(tmp_path, entries={"corp.test": 'context = "internal"\n'}) as made:
        await made.get("https://corp.test/", "-d", f"token={GITHUB_TOKEN}&password=hunter2hunter2")
        body = made.far.arrived[0].body.decode()
        assert GITHUB_TOKEN in body
        assert "hunter2hunter2" not in body
        (record,) = [record for record in made.border.records("request") if record.findings]
        assert record.context == "internal"
        assert {(finding.rule, finding.action) for finding in record.findings} == {
            ("github-pat", "alert"),
            ("password-assignment", "scrub"),
        }


async def test_policy_can_block_instead_of_scrubbing(tmp_path: Path) -> None:
    async with rig(tmp_path, more='[contexts.external.request]\ncredential = "block"\n') as made:
        answer = await made.get(
            "https://other.test/", "-d", f"x={GITHUB_TOKEN}", "-H", "Accept: application/json", "-w", "\n%{http_code}"
        )
        body, _, code = answer.body.rpartition(b"\n")
        assert (code, json.loads(body)["error"]["reason"]) == (b"403", "finding-blocked")
        assert GITHUB_TOKEN.encode() not in answer.body
        assert [each.body for each in made.far.arrived] == []


async def test_another_home_for_a_rule_is_a_home(tmp_path: Path) -> None:
    async with rig(tmp_path, entries={"corp.test": 'home_for = ["github-pat"]\n'}) as made:
        await made.get("https://corp.test/", "-H", f"Authorization: token {GITHUB_TOKEN}")
        assert GITHUB_TOKEN in made.far.arrived[0].everything.decode()
