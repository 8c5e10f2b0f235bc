"""What of a package's manifest is run or obeyed by itself: changes of the rest (dependencies, descriptions) are not
held back.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Parsed = Mapping[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NODE = _names(
    "$schema name version description keywords license author contributors maintainers homepage bugs repository"
    " funding private dependencies devDependencies peerDependencies peerDependenciesMeta optionalDependencies"
    " bundleDependencies files main module browser exports imports types typings type sideEffects engines os cpu man"
    " directories"
)
_PHP = _names(
    "$schema name version description keywords license authors homepage support funding type time readme abandoned"
    " require require-dev conflict replace provide suggest minimum-stability prefer-stable"
)
_RUST = _names(
    "package lib dependencies dev-dependencies build-dependencies features bin example test bench profile workspace"
    " lints badges"
)
_PYTHON = _names("project dependency-groups")


def _rest(harmless: frozenset[str], parsed: Parsed) -> Parsed:
    return {key: value for key, value in parsed.items() if value and key not in harmless}


def _of_rust(parsed: Parsed) -> Parsed:
    """A build script has any name, and a macro runs in the compiler, and in editors."""
    package, lib = parsed.get("package"), parsed.get("lib")
    script = package.get("build") if isinstance(package, dict) else package
    macro = (lib.get("proc-macro"), lib.get("proc_macro")) if isinstance(lib, dict) else lib
    return {**_rest(_RUST, parsed), "package.build": script, "lib.proc-macro": macro}


Reader = Callable[[bytes], Parsed]


def _json(content: bytes) -> Parsed:
    return msgspec.json.decode(content, type=dict[str, Any]) if content.strip() else {}


def _toml(content: bytes) -> Parsed:
    import tomllib  # few diffs have such a manifest in them, and all start sooner

    return tomllib.loads(content.decode())


_MANIFESTS: dict[str, tuple[str, Reader, Callable[[Parsed], Parsed]]] = {
    "package.json": ("npm and others run its scripts, and tools obey it", _json, lambda parsed: _rest(_NODE, parsed)),
    "composer.json": ("composer runs its scripts and obeys it", _json, lambda parsed: _rest(_PHP, parsed)),
    "pyproject.toml": ("an install from here runs it, and tools obey it", _toml, lambda parsed: _rest(_PYTHON, parsed)),
    "cargo.toml": ("every cargo build runs what it names", _toml, _of_rust),
}
"""File name, folded -> why it is dangerous where that changes, how it is read, and what of it counts."""


def is_manifest(name: str) -> bool:
    """Whether the file of this folded name is judged by its content."""
    return name in _MANIFESTS


def manifest_reason(name: str, old: bytes, new: bytes) -> str:
    """Why the change of a manifest's content from `old` (b"" for none) to `new` is dangerous, or ""."""
    reason, read, obeyed = _MANIFESTS[name]
    try:
        is_same = obeyed(read(old)) == obeyed(read(new))
    except (ValueError, RecursionError):
        is_same = False  # whoever obeys it may read it more leniently than we do
    return "" if is_same else reason
