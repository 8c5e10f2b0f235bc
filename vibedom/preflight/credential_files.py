"""Reads files that hold secrets by convention: which they are, and what of each is secret."""

import configparser
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from urllib.parse import unquote, urlsplit

_SECRET_KEY = re.compile(
    r"(?i)pass(?:word|wd|phrase)?(?:$|[_.-])|secret|token|api_?-?key|private_?-?key|access_?-?key|auth(?:$|[_.-])"
    r"|credential|_key$|_pwd$|_pw$|^pwd$|_pat$|_dsn$|cookie|salt|signing|encryption|webhook|license_?key"
    r"|connection_?string"
)
_PUBLIC_KEY = re.compile(
    r"(?i)^(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|GATSBY|PUBLIC)_|public_?key"
    r"|_(?:path|file|url|host|id|name|region)$"
)
_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9+=_.~-][A-Za-z0-9+/=_.~-]{19,}")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_JSON_NAME = re.compile(r"(?:credential|service[_-]?account|secret|adc|firebase).*\.json$")

Setting = tuple[str, str]
"""Name of a setting, and its value."""
Reader = Callable[[str], Iterable[Setting]]
"""The secret settings in a file's text. Raises `ValueError` or `configparser.Error` for what it does not understand."""


def reader_of(name: str, directory: str) -> Reader | None:
    """How a file of this name in a directory of that name is read; None for one that holds no secrets by convention."""
    name, directory = name.lower(), directory.lower()
    if name == ".envrc" or name.startswith(".env.") or name.endswith((".env", ".tfvars")):
        return _environment
    if name in (".netrc", "_netrc"):
        return _netrc
    if name in (".npmrc", ".yarnrc"):
        return _npmrc
    if name in (".git-credentials", ".pgpass"):
        return _lines_with_passwords
    if name in (".pypirc", ".my.cnf", ".boto", ".s3cfg") or (name, directory) == ("credentials", ".aws"):
        return _sections
    if _JSON_NAME.search(name) or (name, directory) == ("config.json", ".docker") or name == ".dockerconfigjson":
        return _json_values
    return None


def _environment(text: str) -> Iterator[Setting]:
    """`KEY=value` lines, `export`, quotes and comments understood; of the values, those that look secret."""
    for line in text.splitlines():
        match = re.match(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)$", line)
        if match:
            yield from _secrets(match[1], _unquoted(match[2]))


def _unquoted(value: str) -> str:
    value = value.strip()
    for quote in "\"'`":
        if value.startswith(quote) and (end := value.find(quote, 1)) > 0:
            return value[1:end]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()


def _secrets(key: str, value: str) -> Iterator[Setting]:
    """A value, or what of it is secret: the password of a URL, nothing of a public setting."""
    if "://" in value:
        for password in _passwords(value):
            yield key, password
    elif not _PUBLIC_KEY.search(key) and (_SECRET_KEY.search(key) or _is_random(value)):
        yield key, value


def _passwords(url: str) -> set[str]:
    """The password of a URL as it stands there and as it is."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return set()
    return {password, unquote(password, errors="surrogateescape")} if password else set()


def _is_random(value: str) -> bool:
    """Whether a value whose name says nothing looks made by a generator."""
    return _RANDOM.fullmatch(value) is not None and _UUID.fullmatch(value) is None


def _netrc(text: str) -> Iterator[Setting]:
    machine = ""
    for word, following in pairwise(shlex.split(text, comments=True)):
        if word == "machine":
            machine = following
        elif word == "password":
            yield machine, following


def _npmrc(text: str) -> Iterator[Setting]:
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        name = key.strip().rpartition(":")[2].lower()
        if equals and name in ("_authtoken", "_auth", "_password", "npmauthtoken", "npmauthident"):
            yield name, _unquoted(value)


def _lines_with_passwords(text: str) -> Iterator[Setting]:
    for line in text.splitlines():
        passwords = _passwords(line.strip()) if "://" in line else {line.rpartition(":")[2].strip()}
        for password in passwords:
            yield "", password


def _sections(text: str) -> Iterator[Setting]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    for section in parser.sections():
        for key, value in parser.items(section):
            if value and _SECRET_KEY.search(key):
                yield f"{section} {key}", value


def _json_values(text: str) -> Iterator[Setting]:
    pending: list[Setting | tuple[str, object]] = [("", json.loads(text))]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            pending.extend((str(name), inner) for name, inner in value.items())
        elif isinstance(value, list):
            pending.extend((key, inner) for inner in value)
        elif isinstance(value, str) and _SECRET_KEY.search(key) and not _PUBLIC_KEY.search(key):
            yield key, value
