"""The user's two settings files and the shipped texts: found without reading what they say, which takes far longer."""

import os
from pathlib import Path

from vibedom.errors import SettingsError
from vibedom.paths import Home, ensure_private

TRUSTED_DOMAINS = "trusted_domains.txt"
POLICY = "policy.toml"
_SHIPPED = Path(__file__).with_name("config")


def shipped_text(name: str) -> str:
    """The text of a file of vibedom/config."""
    return (_SHIPPED / name).read_text(encoding="utf-8")


def ensure_files(home: Home) -> tuple[Path, Path]:
    """Paths of trusted_domains.txt and policy.toml, made (0600) where they are missing."""
    directory = ensure_private(home.config)
    return _ensure(directory / TRUSTED_DOMAINS), _ensure(directory / POLICY)


def read_text(path: Path) -> str:
    """The text of a settings file. Raises `SettingsError` naming it."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); check its owner and mode") from None


def names_rule_files(policy: str) -> bool:
    """Whether policy.toml may set `rule_files`. Never False where it does: a key can be spelled with escapes."""
    lines = (line for line in policy.splitlines() if not line.lstrip().startswith("#"))
    return any("rule_files" in line or "\\" in line for line in lines)


def _ensure(path: Path) -> Path:
    """Make the file from the shipped one unless it is there (0600; a link is left alone)."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be made ({error.strerror}); check the directory's owner and mode"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(shipped_text(path.name))
    return path
