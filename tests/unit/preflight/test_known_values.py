"""The workspace's own secrets by value, from the files that hold them by convention."""

import copy
import json
import pickle
from pathlib import Path

import pytest

from vibedom.preflight.known_values import KnownValues, known_values


def _values(workspace: Path) -> set[bytes]:
    return {value for _, value in known_values(workspace)}


def test_environment_files_give_what_is_secret_and_not_what_is_public(workspace: Path) -> None:
    lines = [
        "# comment",
        "export DB_PASSWORD='correct horse # battery'",
        'API_KEY="abc-def"  # trailing',
        "DATABASE_URL=postgres://app:p%40ss-9w@db.internal:5432/app",
        "SITE=https://www.example.test/a1b2c3d4e5f6g7h8i9j0",
        "NEXT_PUBLIC_TOKEN=pk-visible-to-everybody-123",
        "PORT=3000",
        "DEBUG=true",
        "UNNAMED=Zx81Kq07Lm52Pn93Rt64Vb",
        "REQUEST=123e4567-e89b-12d3-a456-426614174000",
        "broken line",
    ]
    (workspace / "sub").mkdir()
    (workspace / "sub/.env.local").write_text("\n".join(lines))
    assert _values(workspace) == {
        b"correct horse # battery",
        b"abc-def",
        b"p%40ss-9w",
        b"p@ss-9w",
        b"Zx81Kq07Lm52Pn93Rt64Vb",
    }


def test_credential_files_of_tools_are_read(workspace: Path) -> None:
    (workspace / ".netrc").write_text("machine a.test login me password netrc-pass\n")
    (workspace / ".npmrc").write_text("//r.test/:_authToken=npm-auth-token\nregistry=https://r.test\n")
    (workspace / ".git-credentials").write_text("https://me:git-pass@git.test\n")
    (workspace / ".pgpass").write_text("host:5432:db:me:pg-pass\n")
    (workspace / ".aws").mkdir()
    (workspace / ".aws/credentials").write_text("[default]\naws_secret_access_key = aws-secret\nregion = x\n")
    (workspace / "service-account.json").write_text(json.dumps({"private_key": "pem\nkey", "client_email": "a@b"}))
    (workspace / "broken-secret.json").write_text("{")
    wanted = {b"netrc-pass", b"npm-auth-token", b"git-pass", b"pg-pass", b"aws-secret", b"pem\nkey"}
    assert _values(workspace) == wanted


def test_links_and_dependencies_are_not_read(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("API_KEY=outside-value")
    (workspace / ".env").symlink_to(tmp_path / "outside")
    (workspace / "node_modules").mkdir()
    (workspace / "node_modules/.env").write_text("API_KEY=dependency-value")
    assert _values(workspace) == set()


def test_values_show_only_how_many_they_are_and_do_not_leave_the_process() -> None:
    values = KnownValues([("a", b"hunter2"), ("b", b"hunter2"), ("c", b"")])
    assert repr(values) == str(values) == "KnownValues(1)"
    with pytest.raises(TypeError):
        pickle.dumps(values)
    with pytest.raises(TypeError):
        copy.deepcopy(values)
    assert values.reveal() == (("a", b"hunter2"),)
