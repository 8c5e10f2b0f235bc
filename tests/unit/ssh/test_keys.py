"""vibedom's own keys and known hosts: made once, for their owner alone, as OpenSSH reads them."""

import subprocess
from pathlib import Path

import pytest

from vibedom.errors import SettingsError, UsageError
from vibedom.paths import Home
from vibedom.ssh.keys import create_key, key_name, list_keys, remove_key
from vibedom.ssh.known_hosts import add_known, keys_in, place, read_known
from vibedom.ssh.trusting import ask_host, known_to_user, parse_host


def output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_a_key_is_made_once_for_its_owner_alone_and_openssh_reads_it(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    key, is_new = create_key(home)
    before = key.path.read_bytes()
    again, is_new_again = create_key(home)
    assert (is_new, is_new_again) == (True, False)
    assert (key.path.read_bytes(), again.public) == (before, key.public)
    assert key.path.stat().st_mode & 0o777 == 0o600
    assert home.ssh.stat().st_mode & 0o777 == 0o700
    assert output("ssh-keygen", "-y", "-f", str(key.path)).split()[1] == key.public.split()[1]
    assert key.fingerprint in output("ssh-keygen", "-lf", f"{key.path}.pub")


def test_a_lost_public_half_is_written_again(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    key, _ = create_key(home)
    key.path.with_name("default.pub").unlink()
    again, is_new = create_key(home)
    assert (again.public, is_new) == (key.public, False)


def test_keys_are_named_by_host_and_repository_and_removed_by_name(tmp_path: Path) -> None:
    home = Home(root=tmp_path)
    for name in ("git.test", "git.test/me/project", "default"):
        create_key(home, key_name(name))
    assert [key.name for key in list_keys(home)] == ["default", "git.test", "git.test/me/project"]
    assert [key.host for key in list_keys(home)] == ["", "git.test", "git.test"]
    remove_key(home, "git.test/me/project")
    assert [key.name for key in list_keys(home)] == ["default", "git.test"]
    with pytest.raises(UsageError, match="no such key"):
        remove_key(home, "git.test/me/project")


@pytest.mark.parametrize("text", ["", "../x", "a/../b", "git.test/../../x", "git.test//x", "git.test/a+b", "a b"])
def test_a_name_that_could_lead_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        key_name(text)


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    key, _ = create_key(Home(root=tmp_path))
    key.path.chmod(0o644)
    with pytest.raises(SettingsError, match="others may read"):
        key.sign(b"x")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("-t", "ed25519", "-N", "a passphrase"), "passphrase"), (("-t", "ecdsa", "-N", ""), "not an ed25519 key")],
)
def test_a_key_that_somebody_put_there_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    key, _ = create_key(Home(root=tmp_path))
    key.path.unlink()
    subprocess.run(["ssh-keygen", "-q", *arguments, "-f", str(key.path)], check=True, capture_output=True, input=b"y\n")
    with pytest.raises(SettingsError, match=said):
        key.sign(b"x")


def test_something_that_is_no_key_is_refused_in_one_line(tmp_path: Path) -> None:
    key, _ = create_key(Home(root=tmp_path))
    key.path.write_bytes(b"\0no key")
    with pytest.raises(SettingsError, match="not a key"):
        key.sign(b"x")


def host_line(directory: Path, name: str) -> str:
    path = directory / "host_key"
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return f"{name} {' '.join((directory / 'host_key.pub').read_text().split()[:2])}"


def test_known_hosts_of_the_user_are_found_plain_hashed_and_with_a_port_but_not_revoked(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"{host_line(tmp_path, 'a.test,b.test')}\n{host_line(tmp_path, '[c.test]:2222')}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "a.test" not in file.read_text()
    for host, port in (("a.test", 22), ("b.test", 22), ("c.test", 2222)):
        (known,) = known_to_user([tmp_path / "missing", file], host, port)
        assert known.line == host_line(tmp_path, place(host, port))
    for host, port in (("c.test", 22), ("a.test", 2222), ("d.test", 22)):
        assert known_to_user([file], host, port) == []
    revoked = f"{host_line(tmp_path, 'a.test')}\n@revoked {host_line(tmp_path, 'a.test')}\n"
    assert keys_in(revoked, "a.test", 22) == []
    assert keys_in(f"@cert-authority {host_line(tmp_path, 'a.test')}\n", "a.test", 22) == []


def test_trusting_a_host_again_replaces_what_was_known_of_it(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "state")
    (one,) = keys_in(host_line(tmp_path, "a.test"), "a.test", 22)
    (two,) = keys_in(host_line(tmp_path, "[b.test]:2222"), "b.test", 2222)
    add_known(home, [one, two])
    (tmp_path / "host_key").unlink()
    (new,) = keys_in(host_line(tmp_path, "a.test"), "a.test", 22)
    add_known(home, [new])
    assert sorted(read_known(home), key=lambda key: key.host) == [new, two]
    assert (home.ssh / "known_hosts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", ["a.test", "|1|x|y ssh-ed25519 AAAA", "@revoked a.test ssh-ed25519 A", "a.test x y"])
def test_a_line_that_is_not_understood_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    home = Home(root=tmp_path)
    home.ssh.mkdir()
    (home.ssh / "known_hosts").write_text(f"# mine\n{line}\n")
    with pytest.raises(SettingsError, match="known_hosts:2"):
        read_known(home)


def test_a_host_that_does_not_answer_is_said_in_one_line() -> None:
    assert parse_host("git.test:2222") == ("git.test", 2222)
    with pytest.raises(UsageError, match="shows no SSH host key"):
        ask_host("127.0.0.1", 1)
