"""Which paths something on the host runs or obeys without being asked, as data.

Names are compared as the most forgiving file systems do: without case, without characters that HFS+ ignores, without
the dots and spaces at the end that Windows drops.
"""

import re
from collections.abc import Sequence

from vibedom.workspace.name_patterns import NamePatterns

Names = tuple[str, ...]
"""The components of a path, folded."""

_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff]")

_DIRECTORIES: dict[str, str] = {
    ".githooks": "git hooks are often kept here",
    ".husky": "git hooks run from here",
    ".vscode": "VS Code obeys it when the folder is opened",
    ".fleet": "an editor obeys it when the folder is opened",
    ".idea": "JetBrains editors obey it when the folder is opened",
    ".zed": "Zed obeys it when the folder is opened",
    ".nova": "an editor obeys it when the folder is opened",
    ".devcontainer": "editors build and run it when the folder is opened",
    ".claude": "Claude Code runs hooks and obeys settings from here",
    ".cursor": "Cursor obeys it when the folder is opened",
    ".windsurf": "Windsurf obeys it when the folder is opened",
    ".codex": "Codex obeys it when it starts here",
    ".gemini": "Gemini CLI obeys it when it starts here",
    ".opencode": "opencode obeys it when it starts here",
    ".continue": "an editor extension obeys it",
    ".vibedom": "vibedom itself obeys it",
    ".direnv": "direnv keeps what it loads here",
    ".mise": "mise runs tasks from here",
    ".circleci": "CI runs it after a push",
    ".buildkite": "CI runs it after a push",
    ".woodpecker": "CI runs it after a push",
    ".tekton": "CI runs it after a push",
    ".teamcity": "CI runs it after a push",
}
"""A directory of that name at any depth -> why everything in it is dangerous."""

_SEQUENCES: dict[tuple[str, ...], str] = {
    (".github", "workflows"): "CI runs it after a push",
    (".github", "actions"): "CI runs it after a push",
    (".gitea", "workflows"): "CI runs it after a push",
    (".forgejo", "workflows"): "CI runs it after a push",
    (".cargo", "config"): "cargo runs what it names",
    (".cargo", "config.toml"): "cargo runs what it names",
    (".bundle", "config"): "bundler obeys it",
    (".venv", "bin"): "shells and editors run the project's interpreter from here",
    ("venv", "bin"): "shells and editors run the project's interpreter from here",
    (".venv", "scripts"): "shells and editors run the project's interpreter from here",
    ("venv", "scripts"): "shells and editors run the project's interpreter from here",
    ("sitecustomize",): "every Python that starts here runs it",
    ("usercustomize",): "every Python that starts here runs it",
    ("env", "bin"): "shells and editors run the project's interpreter from here",
    ("env", "scripts"): "shells and editors run the project's interpreter from here",
    ("lefthook",): "lefthook runs it at the next commit",
    ("githooks",): "git hooks are often kept here",
    ("git-hooks",): "git hooks are often kept here",
    ("buildsrc",): "every Gradle call runs it",
    ("nbproject",): "NetBeans obeys it when the folder is opened",
    ("_darcs", "prefs"): "darcs obeys it at the next command",
    ("tools", "bazel"): "bazel runs it in its own place",
    ("renv", "activate.r"): "R runs it when it starts here",
    ("config", "boot.rb"): "every Rails command runs it",
    ("mise", "tasks"): "mise runs tasks from here",
    ("mise-tasks",): "mise runs tasks from here",
    ("node_modules", ".bin"): "package scripts run programs from here",
    (".mvn", "wrapper"): "the Maven wrapper downloads and runs what it names",
    (".mvn", "jvm.config"): "Maven obeys it",
    (".mvn", "extensions.xml"): "Maven loads what it names",
    ("gradle", "wrapper"): "the Gradle wrapper downloads and runs what it names",
    (".yarn", "releases"): "yarn runs itself from here",
    (".yarn", "plugins"): "yarn loads plugins from here",
}
"""Names that follow each other at any depth -> why."""
_SEQUENCE_STARTS = frozenset(sequence[0] for sequence in _SEQUENCES)

_FILES: dict[str, str] = {
    ".envrc": "direnv runs it when a shell enters the directory",
    ".env": "many tools load it by themselves",
    ".env.*": "many tools load it by themselves",
    ".autoenv": "autoenv runs it when a shell enters the directory",
    ".mise.toml": "mise obeys it when a shell enters the directory",
    "vibedom.toml": "vibedom obeys it, and asks for what it names",
    "mise.toml": "mise obeys it when a shell enters the directory",
    ".tool-versions": "version managers obey it when a shell enters the directory",
    ".mcp.json": "agents start the servers it names",
    "mcp.json": "agents start the servers it names",
    ".devcontainer.json": "editors build and run it when the folder is opened",
    "*.code-workspace": "VS Code obeys it when it is opened",
    "*.sublime-project": "Sublime Text obeys it when it is opened",
    ".dir-locals.el": "Emacs evaluates it when a file is opened",
    ".dir-locals-2.el": "Emacs evaluates it when a file is opened",
    ".lvimrc": "vim runs it when a file is opened",
    ".rprofile": "R runs it when it starts here",
    ".irbrc": "irb runs it when it starts here",
    ".pryrc": "pry runs it when it starts here",
    ".ghci": "ghci runs it when it starts here",
    ".ocamlinit": "OCaml runs it when it starts here",
    ".octaverc": "Octave runs it when it starts here",
    ".latexmkrc": "latexmk runs it",
    "latexmkrc": "latexmk runs it",
    ".pylintrc": "pylint runs what it names, in editors too",
    ".eslintrc.js": "editors run it when a file is opened",
    ".eslintrc.cjs": "editors run it when a file is opened",
    "eslint.config.*": "editors run it when a file is opened",
    ".pnp.cjs": "every Node.js of the project runs it",
    "bunfig.toml": "bun loads what it names at every start",
    "rust-toolchain": "cargo runs the tools it names",
    "rust-toolchain.toml": "cargo runs the tools it names",
    ".exrc": "vi runs it when it starts here",
    ".vimrc": "vim runs it when it starts here",
    ".nvim.lua": "Neovim runs it when it starts here",
    ".nvimrc": "Neovim runs it when it starts here",
    ".gdbinit": "gdb runs it when it starts here",
    ".lldbinit": "lldb runs it when it starts here",
    ".gitmodules": "git takes submodules from where it says",
    ".pre-commit-config.yaml": "pre-commit runs what it names at the next commit",
    "lefthook.yml": "lefthook runs it at the next commit",
    ".lefthook.yml": "lefthook runs it at the next commit",
    ".npmrc": "npm obeys it",
    ".pnpmfile.cjs": "pnpm runs it at every install",
    ".yarnrc": "yarn runs what it names",
    ".yarnrc.yml": "yarn runs what it names",
    ".bazelrc": "bazel obeys it",
    "sitecustomize.py": "every Python that starts here runs it",
    "usercustomize.py": "every Python that starts here runs it",
    "*.pth": "Python runs it at every start",
    "conftest.py": "pytest runs it before any test",
    "makefile": "make runs it",
    "gnumakefile": "make runs it, before any Makefile",
    "*.mk": "make runs it",
    "justfile": "just runs it",
    "rakefile": "rake runs it",
    "taskfile.yml": "task runs it",
    "setup.py": "an install from here runs it",
    "build.rs": "every cargo build runs it",
    "*.gradle": "every Gradle call runs it",
    "*.gradle.kts": "every Gradle call runs it",
    "gradlew": "it is the project's Gradle",
    "mvnw": "it is the project's Maven",
    "binding.gyp": "npm install builds and runs it",
    ".gitlab-ci.yml": "CI runs it after a push",
    "jenkinsfile": "CI runs it after a push",
    "azure-pipelines.yml": "CI runs it after a push",
    "bitbucket-pipelines.yml": "CI runs it after a push",
    ".travis.yml": "CI runs it after a push",
    ".drone.yml": "CI runs it after a push",
    ".woodpecker.yml": "CI runs it after a push",
    "appveyor.yml": "CI runs it after a push",
}
"""A file name or pattern at any depth -> why."""

_MORE_FILES: dict[str, str] = {
    "its language's build runs or obeys it": (
        "build.sbt *.sbt pom.xml build.xml gradle.properties gradlew.bat mvnw.cmd build.sc build.mill project.clj"
        " deps.edn bb.edn profiles.clj shadow-cljs.edn *.csproj *.fsproj *.vbproj *.vcxproj *.props *.targets *.sln"
        " *.slnx nuget.config global.json build.cake gemfile *.gemspec guardfile vagrantfile podfile fastfile"
        " dangerfile brewfile berksfile appraisals mix.exs rebar.config rebar.config.script setup.hs setup.lhs"
        " stack.yaml cabal.project hie.yaml dune dune-project *.nims nim.cfg *.nimble build.zig package.swift"
        " package@swift-*.swift project.pbxproj *.xcscheme *.xcconfig dub.json dub.sdl shard.yml _targets.r"
        " makefile.pl build.pl magefile.go"
        " cmakelists.txt cmakepresets.json cmakeuserpresets.json *.cmake meson.build configure configure.ac makefile.am"
        " makefile.in makefile.inc"
        " *.mak build.ninja build build.bazel workspace workspace.bazel module.bazel *.bzl buck pants.toml sconstruct"
        " sconscript wscript deno.json deno.jsonc nx.json turbo.json pnpm-workspace.yaml rust-analyzer.toml"
    ),
    "tools run it, editors among them": (
        "*.config.js *.config.cjs *.config.mjs *.config.ts *.config.cts *.config.mts *.conf.js *.conf.ts *-config.js"
        " gulpfile.*"
        " gruntfile.* setup.cfg tox.ini pytest.ini noxfile.py tasks.py fabfile.py dodo.py mypy.ini pylintrc uv.toml"
        " poetry.toml pdm.toml pixi.toml hatch.toml phpunit.xml"
        " phpstan.neon nodemon.json jupyter*config.py jupyter*config.json ipython_config.py coc-settings.json"
        " tasks.vs.json launch.vs.json opencode.json opencode.jsonc crush.json devfile.yaml devbox.json"
    ),
    "it is run at the next commit": (
        "lefthook*.yml lefthook*.yaml lefthook*.toml lefthook*.json prek.toml hk.pkl captainhook.json grumphp.yml"
        " cog.toml simple-git-hooks.*"
    ),
    "a shell that enters the directory may run it": (
        "flake.nix flake.lock shell.nix default.nix devenv.nix devenv.yaml mise.*.toml config.fish"
    ),
    "the next `up`, `plan` or `deploy` from here obeys it": (
        "docker-compose*.yml docker-compose*.yaml compose*.yml compose*.yaml docker-bake.* earthfile tiltfile"
        " skaffold.yaml procfile procfile.* ansible.cfg terragrunt.hcl pulumi.yaml serverless.* helmfile.yaml"
        " taskfile.*"
    ),
    "CI runs it after a push": (
        "jenkinsfile.* azure-pipelines*.yml azure-pipelines*.yaml cloudbuild.yml cloudbuild.yaml buildspec.yml"
        " buildspec.yaml codefresh.yml wercker.yml bitrise.yml codemagic.yaml netlify.toml vercel.json render.yaml"
        " action.yml action.yaml zuul.yaml"
    ),
    "a file manager obeys it": "autorun.inf desktop.ini *.lnk *.url *.scf *.library-ms *.desktop",
}
"""Why -> more names and patterns of the kind."""
_FILES |= {pattern: reason for reason, patterns in _MORE_FILES.items() for pattern in patterns.split()}

_INSTRUCTIONS = (
    *(
        "claude.md",
        "claude.local.md",
        "agents.md",
        "agent.md",
        "gemini.md",
        "qwen.md",
        "crush.md",
        "warp.md",
        "skill.md",
    ),
    *("conventions.md", ".cursorrules", ".windsurfrules", "copilot-instructions.md", "*.instructions.md"),
    *("*.prompt.md", "*.chatmode.md", "*.agent.md"),
)
_AUTO_RUN_FILES = NamePatterns(_FILES)
_INSTRUCTION_FILES = NamePatterns(dict.fromkeys(_INSTRUCTIONS, "agents obey it"))


def folded(path: str) -> Names:
    """The components of `path` as a forgiving file system compares them."""
    if path.isascii():
        return tuple(_bare(name.lower()) or name for name in path.split("/"))
    return tuple(_bare(_IGNORABLE.sub("", name).casefold()) or name for name in path.split("/"))


def _bare(name: str) -> str:
    return name.partition(":")[0].rstrip(". ")


def is_at_auto_run(names: Names) -> bool:
    """Whether a link of these folded names stands where something is run or obeyed: it is such a file or directory,
    lies in one, or leads to one (`.github` as much as `.github/workflows`)."""
    if is_in_git_directory(names) or auto_run_reason((*names, "")) or auto_run_reason(names):
        return True
    return any(names[-end:] == sequence[:end] for sequence in _SEQUENCES for end in range(1, len(sequence)))


def is_in_git_directory(names: Sequence[str]) -> bool:
    """Whether folded `names` lead into (or to) a `.git`, by any of its spellings."""
    return any(name in (".git", "git~1") for name in names)


def auto_run_reason(names: Sequence[str]) -> str:
    """Why something on the host would run or obey the file with these folded names, or ""."""
    for name in names[:-1]:
        if name in _DIRECTORIES:
            return _DIRECTORIES[name]
    for sequence, reason in () if _SEQUENCE_STARTS.isdisjoint(names) else _SEQUENCES.items():
        if any(tuple(names[at : at + len(sequence)]) == sequence for at in range(len(names))):
            return reason
    return _AUTO_RUN_FILES.find(names[-1])


def instructs_agents(names: Sequence[str]) -> bool:
    """Whether the file tells AI agents what to do: text, but obeyed by the next one that runs on the host."""
    return bool(_INSTRUCTION_FILES.find(names[-1]))
