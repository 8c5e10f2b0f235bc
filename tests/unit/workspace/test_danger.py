"""What the review warns of, and what is held back: each class of file that something on the host runs by itself."""

import py_compile
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.support.overlays import Project
from vibedom.workspace.apply import apply
from vibedom.workspace.base import Base
from vibedom.workspace.content import SHOWN_BYTES
from vibedom.workspace.danger import Danger, find_dangers, points_outside
from vibedom.workspace.plan import Plan, plan_apply

AUTO_RUN = [
    ".git/hooks/pre-commit",
    ".git/config",
    ".GIT/hooks/post-checkout",
    ".g\u200cit/config",
    "git~1/hooks/pre-push",
    "sub/.git/hooks/pre-commit",
    ".husky/pre-commit",
    ".envrc",
    "deep/er/.envrc",
    ".vscode/tasks.json",
    ".VSCode/settings.json",
    ".idea/workspace.xml",
    ".devcontainer/devcontainer.json",
    ".claude/settings.json",
    ".mcp.json",
    ".venv/bin/python",
    "node_modules/.bin/tool",
    "Makefile",
    "conftest.py",
    "tests/conftest.py",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    ".pre-commit-config.yaml",
    ".cargo/config.toml",
    ".yarnrc.yml",
    "setup.py",
    "site/sitecustomize.py",
    ".vibedom/approved_secrets.toml",
    ".Rprofile",
    "src/.dir-locals-2.el",
    "rust-toolchain.toml",
    "settings.gradle.kts",
    "eslint.config.mjs",
    ".git::$INDEX_ALLOCATION/config",
    ".bashrc",
    ".config/nvim/init.lua",
    ".roo/mcp.json",
    ".kiro/hooks/on-save.kiro.hook",
    ".clinerules/always.md",
    ".github/agents/reviewer.agent.md",
    ".hg/hgrc",
    ".clj-kondo/hooks/core.clj",
    ".rubocop.yml",
    ".iex.exs",
    ".program-of-tomorrow.toml",
    "opencode.json",
    "tailwind.config.ts",
    "flake.nix",
    "compose.override.yaml",
    "lefthook-local.yml",
    "Directory.Build.props",
    "web/CMakeLists.txt",
    "tools/bazel",
    "Gemfile",
    "src/__pycache__/app.cpython-312.pyc",
    "azure-pipelines.release.yaml",
]
HARMLESS = [
    *("notes.txt", "src/app.py", "vscode/tasks.json", "docs/Makefile.md", "git/notes/pre-commit", "my.envrc.txt"),
    *(".gitignore", "src/.gitkeep", ".github/ISSUE_TEMPLATE/bug.md", ".changeset/brave-cats.md", ".well-known/x.txt"),
    *("Dockerfile", "go.mod", "tsconfig.json", "config/settings.py"),
]


def _write(root: Path, path: str, text: str = "x\n", mode: int = 0o644) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    (root / path).chmod(mode)


def _dangers(project: Project, home: Path | None = None) -> dict[str, list[Danger]]:
    with Base(project.base_file) as base:
        return find_dangers(project.changes(), workspace=project.workspace, upper=project.upper, base=base, home=home)


def _held_back(project: Project, home: Path | None = None) -> set[str]:
    """Paths, but for directories, that a blanket yes does not apply."""
    found = _dangers(project, home).items()
    held = {path for path, dangers in found if any(danger.is_held_back for danger in dangers)}
    return {path for path in held if (project.upper / path).is_symlink() or not (project.upper / path).is_dir()}


def _plan(project: Project, *, include_dangerous: bool = False) -> Plan:
    with Base(project.base_file) as base:
        return plan_apply(
            project.changes(),
            workspace=project.workspace,
            upper=project.upper,
            base=base,
            dangers=_dangers(project),
            include_dangerous=include_dangerous,
        )


def test_exactly_what_runs_by_itself_is_held_back_and_never_applied_by_a_blanket_yes(project: Project) -> None:
    project.start()
    for path in AUTO_RUN + HARMLESS:
        _write(project.upper, path)
    held = {path for path, found in _dangers(project).items() if any(danger.is_auto_run for danger in found)}
    assert held == set(AUTO_RUN)
    plan = _plan(project)
    held_back = {refusal.path for refusal in plan.held_back}
    assert {path for path in held_back if not (project.upper / path).is_dir()} == set(AUTO_RUN)
    assert all(refusal.reason for refusal in plan.held_back)
    apply(plan, project.journal)
    assert not any((project.workspace / path).exists() for path in AUTO_RUN)
    assert all((project.workspace / path).exists() for path in HARMLESS)
    apply(_plan(project, include_dangerous=True), project.journal)
    assert all((project.workspace / path).exists() for path in AUTO_RUN)


def test_hook_and_configuration_stay_byte_identical_on_the_host(project: Project) -> None:
    subprocess.run(["git", "init", "-q", str(project.workspace)], check=True)
    project.start()
    config = (project.workspace / ".git/config").read_bytes()
    _write(project.upper, ".git/config", "[core]\n\tfsmonitor = touch /tmp/x\n")
    _write(project.upper, ".git/hooks/pre-commit", "#!/bin/sh\n", 0o755)
    apply(_plan(project), project.journal)
    assert (project.workspace / ".git/config").read_bytes() == config
    assert not (project.workspace / ".git/hooks/pre-commit").exists()
    assert [found[0].severity for found in _dangers(project).values()] == ["critical", "critical"]


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("local", "[core]\n\thooksPath = .githooks-own\n"),
        ("local", "[Core]\n\tHOOKSPATH = ./.githooks-own ; comment\n"),
        ("local", '[core] hooksPath = ".githooks-own"\n'),
        ("local", "[include]\n\tpath = ../.githooks-own/more\n"),
        ("local", '[filter "x"]\n\tclean = sh .githooks-own/pre-commit %f\n'),
        ("global", "[core]\n\thooksPath = .githooks-own\n"),
        ("agent", "[core]\n\thooksPath = .githooks-own\n"),
    ],
)
def test_what_gits_configuration_names_is_held_back_even_when_the_session_made_it(
    project: Project, tmp_path: Path, where: str, text: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "init", "-q", str(project.workspace)], check=True)
    project.start()
    if where == "agent":
        _write(project.upper, ".git/config", text)
    else:
        (home / ".gitconfig" if where == "global" else project.workspace / ".git/config").write_text(text)
    _write(project.upper, ".githooks-own/pre-commit")
    _write(project.upper, ".githooks-own/more")
    found = _dangers(project, home)
    assert any(danger.is_auto_run for path in found for danger in found[path] if path.startswith(".githooks-own/"))


@pytest.mark.parametrize(
    ("link", "target", "edited"),
    [
        (".git/hooks/pre-commit", "../../scripts/check", "scripts/check"),
        (".vscode", "tools/editor", "tools/editor/tasks.json"),
        (".envrc", "config/envrc", "config/envrc"),
        (".husky", "../{name}/hooks", "hooks/pre-push"),
        (".envrc", "{workspace}/config/envrc", "config/envrc"),
    ],
)
def test_what_a_link_of_the_project_shows_as_run_by_itself_is_held_back(
    project: Project, link: str, target: str, edited: str
) -> None:
    (project.workspace / link).parent.mkdir(parents=True, exist_ok=True)
    (project.workspace / link).symlink_to(target.format(name=project.workspace.name, workspace=project.workspace))
    project.start()
    for path in (edited, "scripts/other", "src/app.py"):
        _write(project.upper, path)
    assert _held_back(project) == {edited}
    assert _dangers(project)[edited][0].reason.startswith("a link shows it as .")


@pytest.mark.parametrize(
    ("link", "held"),
    [(".idea", "content/x.xml"), (".github", "content/workflows/ci.yml"), (".venv", "content/bin/python")],
)
def test_a_link_of_the_agents_to_what_would_run_is_held_back_with_what_it_shows(
    project: Project, link: str, held: str
) -> None:
    project.start()
    _write(project.upper, held)
    _write(project.upper, "content.txt")
    (project.upper / link).symlink_to("content")
    assert _held_back(project) == {link, held}


def test_links_in_a_circle_end(project: Project) -> None:
    (project.workspace / ".husky").symlink_to(".vscode")
    (project.workspace / ".vscode").symlink_to(".husky/..")
    project.start()
    _write(project.upper, "src/app.py")
    assert _held_back(project) == {"src/app.py"}  # `.vscode` leads to the workspace itself


def test_a_directory_that_git_takes_for_a_repository_is_held_back_whatever_it_is_called(project: Project) -> None:
    _write(project.workspace, "docs/HEAD", "ref: refs/heads/main\n")
    project.start()
    for path in ("docs/config", "docs/objects/x", "docs/refs/x", "docs/hooks/post-checkout", "other/config"):
        _write(project.upper, path)
    _write(project.upper, "linked/head", "ref: refs/heads/main\n")
    _write(project.upper, "linked/commondir", "../elsewhere\n")
    assert _held_back(project) == {
        *("docs/config", "docs/objects/x", "docs/refs/x", "docs/hooks/post-checkout", "linked/head", "linked/commondir")
    }
    apply(_plan(project), project.journal)
    assert not (project.workspace / "docs/config").exists()
    assert (project.workspace / "other/config").exists()


def test_configuration_that_git_includes_counts_as_its_own(project: Project, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "init", "-q", str(project.workspace)], check=True)
    _write(project.workspace, ".gitconfig", "[include]\n\tpath = tools/more\n")
    _write(project.workspace, "tools/more", "[core]\n\thooksPath = tools/hooks\n")
    subprocess.run(["git", "-C", project.workspace, "config", "include.path", "../.gitconfig"], check=True)
    _write(home, "dotfiles/gitconfig", '[includeIf "gitdir:~/"]\n\tpath = ~/dotfiles/more\n')
    _write(home, "dotfiles/more", "[core]\n\tfsmonitor = tools/watch\n\n[include]\n\tpath = more\n")
    (home / ".gitconfig").symlink_to("dotfiles/gitconfig")
    _write(home, "more")
    project.start()
    for path in ("tools/more", "tools/hooks/pre-commit", "tools/watch", "tools/other"):
        _write(project.upper, path)
    assert _held_back(project, home) == {"tools/more", "tools/hooks/pre-commit", "tools/watch"}


MANIFESTS = {
    "package.json": (
        '{"scripts": {"a": "b"}, "dependencies": {}}',
        '{"scripts": {"a": "b"}, "dependencies": {"c": "1"}}',
    ),
    "composer.json": ('{"require": {}}', '{"require": {"a/b": "1"}, "description": "x"}'),
    "pyproject.toml": (
        '[project]\nname = "x"\n[tool.ruff]\nline-length = 100\n',
        '[project]\nname = "x"\ndependencies = ["a"]\n[tool.ruff]\nline-length = 100\n',
    ),
    "Cargo.toml": ('[package]\nname = "x"\n', '[package]\nname = "x"\n[dependencies]\na = "1"\n'),
}
RUN = {
    "package.json": (
        '{"gitHooks": {"pre-commit": "sh x"}}',
        '{"eslintConfig": {"plugins": ["x"]}}',
        "{// a comment\n}",
    ),
    "composer.json": ('{"scripts": {"post-install-cmd": "sh x"}}', '{"autoload": {"files": ["x.php"]}}'),
    "pyproject.toml": ('[build-system]\nbackend-path = ["."]\n', '[tool.pytest.ini_options]\naddopts = "-p x"\n', "?"),
    "Cargo.toml": (
        '[package]\nname = "x"\nbuild = "src/x.rs"\n',
        "[lib]\nproc-macro = true\n",
        "[patch.crates-io]\na.path='.'",
    ),
}


def test_manifests_are_dangerous_only_where_what_they_run_or_set_changes(project: Project) -> None:
    for name, (before, _) in MANIFESTS.items():
        _write(project.workspace, name, before)
    project.start()
    for name, (_, after) in MANIFESTS.items():
        _write(project.upper, name, after)
    for name, texts in RUN.items():
        for number, text in enumerate(texts):
            _write(project.upper, f"new-{number}/{name}", text)
    expected = {f"new-{number}/{name}" for name, texts in RUN.items() for number in range(len(texts))}
    assert set(_dangers(project)) == expected


def test_bytecode_does_not_come_home_in_place_of_the_source_that_is_shown(project: Project) -> None:
    """Python runs it as it is where its head says that nobody has to compare."""
    _write(project.workspace, "app.py", "print('what is shown')\n")
    project.start()
    evil, cached = project.upper / "evil.py", cache_from_source("__CACHE__/app.py").replace("__CACHE__/", "")
    evil.write_text("print('what is run')\n")
    (project.upper / cached).parent.mkdir()
    py_compile.compile(
        str(evil), str(project.upper / cached), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    evil.unlink()
    apply(_plan(project), project.journal)
    assert _what_runs(project) == "what is shown\n"
    apply(_plan(project, include_dangerous=True), project.journal)
    assert _what_runs(project) == "what is run\n"  # so it would have


def test_text_that_no_diff_shows_is_held_back(project: Project) -> None:
    """Perl, JavaScript, make and some shells pass over a NUL in a comment."""
    script = "# harmless\0\nprint 'what is run';\n"
    _write(project.workspace, "build.pl", "print 'what is shown';\n")
    project.start()
    _write(project.upper, "build.pl", script)
    _write(project.upper, "data.bin", "\0\1\2\3" * 100)
    _write(project.upper, "picture.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + "\0\1\2" * 50)
    _write(project.upper, "data.csv", "1,2\n" * 1000)
    _write(project.upper, "long.pl", "\n" * (SHOWN_BYTES + 1))
    assert _held_back(project) == {"build.pl", "long.pl"}
    done = subprocess.run(["perl", str(project.upper / "build.pl")], capture_output=True, text=True, check=True)
    assert done.stdout == "what is run"


def _what_runs(project: Project) -> str:
    argv = [sys.executable, "-B", "-c", "import app"]
    return subprocess.run(argv, cwd=project.workspace, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("path", "target", "is_outside"),
    [
        ("link", "file", False),
        ("a/b/link", "../../file", False),
        ("a/link", "../../file", True),
        ("link", "/etc/passwd", True),
        ("link", "..", True),
        ("a/link", "..", False),
        ("link", "dir/../../x", True),
        ("link", "dir/../x", True),  # `dir` may be a link itself
        ("link", "./a", False),
    ],
)
def test_links_that_lead_or_could_lead_outside_are_told_apart(path: str, target: str, is_outside: bool) -> None:
    assert points_outside(path, target) is is_outside


def test_outside_link_is_held_back_and_new_executables_and_open_modes_are_shown(project: Project) -> None:
    project.start()
    (project.upper / "link").symlink_to("/etc/passwd")
    _write(project.upper, "tool", "#!/bin/sh\n", 0o755)
    _write(project.upper, "open", mode=0o666)
    _write(project.upper, "setuid", mode=0o4755)
    (project.upper / "elf").write_bytes(b"\x7fELF\2\1\1\0")
    found = {path: [danger.reason for danger in dangers] for path, dangers in _dangers(project).items()}
    assert found == {
        "elf": ["it is a compiled program"],
        "link": ["it points outside, to /etc/passwd"],
        "open": ["everybody on this machine may write it"],
        "setuid": ["it is a new executable", "it is setuid or setgid (the bit is dropped)"],
        "tool": ["it is a new executable"],
    }
    assert [refusal.path for refusal in _plan(project).held_back] == ["link"]
