"""What a session is equipped with: tables that cannot be what they say, links that lead out, trust by content."""

import os
from pathlib import Path

import msgspec
import pytest

from vibedom import brief
from vibedom.agents import find_agent, load_agents
from vibedom.errors import SettingsError, UsageError
from vibedom.git_identity import git_identity
from vibedom.kept import keep
from vibedom.outfit import Outfit
from vibedom.paths import Home
from vibedom.project_file import ProjectFile, ProjectMount, read_project
from vibedom.project_mounts import project_mounts
from vibedom.project_trust import asks, is_trusted, revoke, trust
from vibedom.settings import Policy, compose


def policy(tmp_path: Path, domains: str = "a.test\n!denied.test\n") -> Policy:
    return compose(domains, "", config=tmp_path, clients=lambda: ("packages.test",))


def project(tmp_path: Path, text: str) -> ProjectFile:
    (tmp_path / "vibedom.toml").write_text(text)
    return read_project(tmp_path)


def test_the_shipped_agents_load_and_their_hosts_are_hosts(tmp_path: Path) -> None:
    agents = load_agents(Home(root=tmp_path))
    assert sorted(agents) == ["claude", "codex", "gemini", "opencode"]
    for name, agent in agents.items():
        widened = Outfit(agent_name=name, agent=agent).widened(policy(tmp_path, ""))
        assert len(widened.hosts.session) > 3
        assert widened.hosts.decide("packages.test", 443).verdict == "allow", "its install step needs them"
        assert widened.hosts.decide("evil.test", 443).verdict == "deny"
        assert agent.credentials
        assert agent.install
        assert agent.state


@pytest.mark.parametrize(
    "table",
    [
        "command = []",
        'command = [""]',
        'command = ["x"]\nstate = ["../x"]',
        'command = ["x"]\nstate = ["/etc"]',
        'command = ["x"]\nstate = [".ssh"]',
        'command = ["x"]\nstate = ["a:b"]',
        'command = ["x"]\ninstructions = ".ssh/config"',
        'command = ["x"]\ncredentials = ["A B"]',
        'command = ["x"]\nenvironment = { "A=B" = "x" }',
        'command = ["x"]\nunknown = 1',
    ],
)
def test_a_table_that_is_no_agent_is_named_with_its_place(tmp_path: Path, table: str) -> None:
    home = Home(root=tmp_path)
    home.config.mkdir()
    (home.config / "agents.toml").write_text(f"[agents.mine]\n{table}\n")
    with pytest.raises(SettingsError, match=r"agents\.toml: .*\$\.agents"):
        load_agents(home)


def test_an_agent_of_the_users_replaces_the_shipped_one_of_that_name(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    home.config.mkdir()
    (home.config / "agents.toml").write_text('[agents.claude]\ncommand = ["my-claude"]\n')
    assert find_agent(home, "claude").command == ("my-claude",)
    assert find_agent(home, "claude").hosts == ()
    with pytest.raises(UsageError, match="known are claude, codex"):
        find_agent(home, "nobody")


def test_hosts_that_are_asked_for_never_outrank_what_is_denied(tmp_path: Path) -> None:
    outfit = Outfit(project=project(tmp_path, 'hosts = ["b.test", "denied.test", "@github"]'))
    hosts = outfit.widened(policy(tmp_path)).hosts
    assert hosts.decide("b.test", 443).verdict == "allow"
    assert hosts.decide("github.com", 443).verdict == "allow"
    assert hosts.decide("denied.test", 443).verdict == "deny"


@pytest.mark.parametrize("host", ["*", "https://b.test/", "!a.test", "@nobody", ""])
def test_a_host_that_is_none_or_all_is_an_error_with_its_place(tmp_path: Path, host: str) -> None:
    outfit = Outfit(project=project(tmp_path, f'hosts = ["a.test", "{host}"]'))
    with pytest.raises(SettingsError, match=r"vibedom\.toml \$\.hosts\[1\]"):
        outfit.widened(policy(tmp_path))


def test_trust_is_for_what_is_asked_and_for_that_place_alone(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "state")
    narrow = project(tmp_path, 'deny = ["x.test"]\ncaches = [".cache/tool"]')
    assert asks(narrow) == []
    assert is_trusted(home, tmp_path, narrow)
    wide = project(tmp_path, 'hosts = ["b.test"]\n[env]\nA = "1"\n[setup]\ncommands = ["make"]')
    assert not is_trusted(home, tmp_path, wide)
    trust(home, tmp_path, wide)
    assert is_trusted(home, tmp_path, wide)
    assert not is_trusted(home, tmp_path / "elsewhere", wide)
    assert is_trusted(home, tmp_path, project(tmp_path, (tmp_path / "vibedom.toml").read_text() + "\n[dlp]\n"))
    for changed in ('hosts = ["c.test"]', 'image = "x"', '[env]\nA = "2"', '[setup]\ncommands = ["make "]'):
        assert not is_trusted(home, tmp_path, project(tmp_path, changed))
    assert (home.projects / "trusted.json").stat().st_mode & 0o777 == 0o600
    assert revoke(home, tmp_path)
    assert not is_trusted(home, tmp_path, wide)


def test_every_key_that_widens_is_asked_for_and_part_of_what_is_agreed_to() -> None:
    narrowing = {"deny", "contexts", "dlp", "caches"}
    wide = ProjectFile(
        hosts=("h.test",),
        mounts=(ProjectMount(source="/srv/m", target="/m", writable=True),),
        env={"E": "e"},
        pass_env=("P",),
        image="i",
        setup=msgspec.convert({"commands": ["c"]}, type(ProjectFile().setup)),
    )
    named = {field for field in ProjectFile.__struct_fields__ if getattr(wide, field) != getattr(ProjectFile(), field)}
    assert named | narrowing == set(ProjectFile.__struct_fields__), "a new key has to be one or the other"
    assert len(asks(wide)) == len(named)


def test_mounts_of_a_project_show_no_home_no_state_no_socket_and_cover_nothing(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "state")
    for source, target in (
        ("~", "/data"),
        ("/", "/data"),
        ("/run", "/data"),
        ("/etc/passwd", "/data"),
        ("relative", "/data"),
        ("/no/such/path", "/data"),
        (str(home.root), "/data"),
        ("/opt", "/work"),
        ("/opt", "/work/x"),
        ("/opt", "/etc/vibedom/ssh"),
        ("/opt", "/home/agent"),
        ("/opt", "/home/agent/.ssh/x"),
        ("/opt", "data"),
        ("/opt", "/"),
        ("/opt", "/x/../etc"),
    ):
        with pytest.raises(SettingsError, match=r"\$\.mounts\[0\]"):
            project_mounts([ProjectMount(source=source, target=target)], Path("/srv/project"), home)
    (mount,) = project_mounts([ProjectMount(source="/opt", target="/home/agent/x")], Path("/srv/project"), home)
    assert (mount.target, mount.read_only) == ("/home/agent/x", True)
    with pytest.raises(SettingsError, match="project itself"):
        project_mounts([ProjectMount(source="/opt", target="/data")], Path("/opt/project"), home)


def test_a_variable_that_is_not_set_is_missed_by_name() -> None:
    with pytest.raises(UsageError, match="NEEDED is not set"):
        _ = Outfit(project=ProjectFile(pass_env=("NEEDED",))).variables
    outfit = Outfit(
        project=ProjectFile(pass_env=("NEEDED",), env={"A": "1"}), environment={"NEEDED": "x", "OTHER": "y"}
    )
    assert outfit.variables == {"NEEDED": "x", "A": "1"}


def test_links_that_an_agent_left_in_its_home_are_not_followed(tmp_path: Path) -> None:
    outside, agent_home, kept = tmp_path / "outside", tmp_path / "home", tmp_path / "agents" / "x" / "0"
    outside.mkdir()
    agent_home.mkdir()
    (agent_home / ".config").symlink_to(outside)
    with pytest.raises(SettingsError, match="in the way"):
        keep(kept, [".config/tool"], agent_home, os.getuid(), os.getgid())
    assert list(outside.iterdir()) == []
    (agent_home / ".config").unlink()
    (mount,) = keep(kept, [".config/tool"], agent_home, os.getuid(), os.getgid())
    assert mount.source.parent == kept
    assert (agent_home / ".config" / "tool").is_dir()


def test_the_git_identity_is_the_users_own_without_anything_else_and_from_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more").write_text("[user]\nemail = me@included.test\n")
    (tmp_path / ".gitconfig").write_text(f"[user]\nname = Me\nsigningkey = k\n[include]\npath = {tmp_path}/more\n")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "GIT_CONFIG_COUNT": "1"}
    assert git_identity(environment) == {"user.name": "Me", "user.email": "me@included.test"}
    assert git_identity({**environment, "HOME": str(tmp_path / "nobody")}) == {}


def test_the_brief_says_what_is_kept_and_shown_and_bounds_the_hosts() -> None:
    made = brief.text(
        brief.Brief(session="s", hosts=[f"h{n}.test" for n in range(200)], ssh_hosts=["git.test:22"], kept=[".cache/x"])
    )
    assert made.startswith(f"{brief.TITLE}\n")
    for part in ("`~/.cache/x`", "git.test:22", "`h59.test`", "and 140 more", "vibedom allow HOST"):
        assert part in made
    assert "`h60.test`" not in made
