"""`vibedom policy`, `vibedom allow` and `vibedom audit`, as their users call them."""

import json
from pathlib import Path

import anyio
import pytest

from pipeline.events import Record
from sinks.jsonl import JsonlSink
from vibedom.cli import allow, audit, policy
from vibedom.errors import SettingsError, UsageError, VibedomError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a user with a short list."""
    monkeypatch.setenv("VIBEDOM_HOME", str(tmp_path))
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "trusted_domains.txt").write_text("a.test\nGET api.test/repos/**\n!*.bad.test\n@github\n")
    (directory / "policy.toml").write_text('[[hosts]]\npattern = "origin.test"\ndial = "127.0.0.1:9443"\n')
    return directory


async def run(command: object, *arguments: str) -> int | None:
    code = await command.main(list(arguments), prog_name="vibedom", standalone_mode=False)  # type: ignore[attr-defined]
    return code if isinstance(code, int) else None


async def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    await run(policy.command, "explain", *arguments, "--json")
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


async def test_explain_names_the_line_that_decides(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run(policy.command, "explain", "https://a.test/x")
    out = capsys.readouterr().out
    assert out.startswith("allow  GET a.test:443/x\n  reason   listed (trusted_domains.txt:1 a.test)\n")


async def test_explain_says_how_to_allow_what_is_not_listed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run(policy.command, "explain", "b.test:8443")
    assert "vibedom allow b.test:8443" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "verdict", "rule"),
    [
        (("https://A.TEST./",), "allow", "trusted_domains.txt:1 a.test"),
        (("a.test:22",), "deny", ""),
        (("https://api.test/repos/x", "--method", "post"), "deny", "trusted_domains.txt:2 GET api.test/repos/**"),
        (("https://api.test/repos/../x",), "deny", "trusted_domains.txt:2 GET api.test/repos/**"),
        (("https://x.bad.test",), "deny", "trusted_domains.txt:3 *.bad.test"),
        (("http://origin.test",), "allow", "policy.toml $.hosts[0] origin.test"),
    ],
)
async def test_explain_decides_as_the_proxy_does(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], verdict: str, rule: str
) -> None:
    decision = (await explained(capsys, *arguments))["decision"]
    assert isinstance(decision, dict)
    assert (decision["verdict"], decision["rule"]) == (verdict, rule)


async def test_explain_with_a_rule_says_where_its_credential_passes(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for url, action in (("https://api.github.com/", "allow"), ("https://a.test/", "scrub")):
        answer = await explained(capsys, url, "--rule", "github-pat")
        places = {row["location"]: row["action"] for row in answer["places"]}  # type: ignore[attr-defined]
        assert places["header authorization"] == action
        assert places["body $.messages[0].content"] == "scrub"


async def test_explain_names_rules_close_to_one_that_is_not_there(config: Path) -> None:
    with pytest.raises(UsageError, match=r"no rule 'github'; there are github-"):
        await run(policy.command, "explain", "a.test", "--rule", "github")


@pytest.mark.parametrize(
    "url", ["https://me@a.test/", "ftp://a.test/", "https://a..test/", "https://[::1/", "127.1", ""]
)
async def test_explain_refuses_what_is_no_url(config: Path, url: str) -> None:
    with pytest.raises(UsageError):
        await run(policy.command, "explain", url)


async def test_show_lists_rules_groups_and_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run(policy.command, "show")
    out = capsys.readouterr().out
    assert "a.test" in out
    assert "trusted_domains.txt:4 @github" in out
    assert "groups: @claude, @codex" in out
    await run(policy.command, "show", "--json")
    data = json.loads(capsys.readouterr().out)
    assert {"pattern": "*.bad.test", "source": "trusted_domains.txt:3"} in data["deny"]
    assert data["routes"][0]["dial"]["address"] == "127.0.0.1"


async def test_show_keeps_what_a_sinks_url_holds_to_itself(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config / "policy.toml").write_text('[[sinks]]\ntype = "webhook"\nurl = "https://me:canary@h.test/canary?canary"\n')
    for arguments in (("show",), ("show", "--json")):
        await run(policy.command, *arguments)
        out = capsys.readouterr().out
        assert "webhook https://h.test" in out
        assert "canary" not in out


async def test_allow_adds_lines_that_take_effect_and_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config / "trusted_domains.txt"
    await anyio.Path(path).write_text("a.test")  # no newline at its end
    await run(allow.command, "b.test:8443", "GET  c.test/x/", "b.test:8443", "a.test")
    assert path.read_text() == "a.test\nb.test:8443\nGET c.test/x/\n"
    err = capsys.readouterr().err
    assert "b.test:8443: added to trusted_domains.txt" in err
    assert "a.test: already in trusted_domains.txt" in err
    decision = (await explained(capsys, "https://b.test:8443/"))["decision"]
    assert isinstance(decision, dict)
    assert decision["verdict"] == "allow"


async def test_allow_says_when_another_rule_still_denies(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config / "policy.toml").write_text('[[hosts]]\npattern = "b.test"\nverdict = "deny"\n')
    await run(allow.command, "b.test")
    assert "still denied by policy.toml" in capsys.readouterr().err


async def test_allow_takes_out_the_line_that_denied_the_very_same(config: Path) -> None:
    (config / "trusted_domains.txt").write_text("# mine\n!b.test\n!*.b.test\n")
    await run(allow.command, "b.test")
    assert (config / "trusted_domains.txt").read_text() == "# mine\n!*.b.test\nb.test\n"


async def test_allow_takes_groups(config: Path) -> None:
    await run(allow.command, "@claude")
    assert (config / "trusted_domains.txt").read_text().endswith("\n@claude\n")
    with pytest.raises(SettingsError, match="no group"):
        await run(allow.command, "@nope")


@pytest.mark.parametrize(
    "pattern", ["https://a.test", "*", "!a.test", "a.test # x", "", "a..test", ".a.test", "a\nb.test x"]
)
async def test_allow_writes_nothing_where_one_pattern_cannot_be(config: Path, pattern: str) -> None:
    before = (config / "trusted_domains.txt").read_text()
    with pytest.raises(UsageError):
        await run(allow.command, "fine.test", pattern)
    assert (config / "trusted_domains.txt").read_text() == before


async def log(path: Path) -> None:
    sink = JsonlSink(path, session="s1")
    await sink.write([Record(kind="request", flow="f", at=1.0, verdict="allow", reason="listed", host="a.test")] * 3)
    await sink.aclose()


async def test_audit_verify_of_an_intact_log_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await log(tmp_path / "network.jsonl")
    assert await run(audit.command, "verify", str(tmp_path / "network.jsonl")) == 0
    assert capsys.readouterr().out.startswith("intact: 3 lines in 1 file(s), head 3 ")


async def test_audit_verify_of_an_edited_log_names_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "network.jsonl"
    await log(path)
    path.write_bytes(path.read_bytes().replace(b"a.test", b"b.test", 1))
    assert await run(audit.command, "verify", str(path)) == 1
    captured = capsys.readouterr()
    assert "network.jsonl:1: edited" in captured.err
    assert captured.out.startswith("NOT intact")
    assert await run(audit.command, "verify", str(path), "--json") == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["is_intact"], data["problems"][0]["fault"]) == (False, "edited")


async def test_audit_verify_of_nothing_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(VibedomError, match="cannot be read"):
        await run(audit.command, "verify", str(tmp_path / "none.jsonl"))
