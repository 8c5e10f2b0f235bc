"""The built-in scanner: what it finds in a tree, what it leaves out, and that it says so."""

import os
from pathlib import Path

import msgspec
import pytest

from tests.support.scrubbing import KEY_BLOCK, TOKEN, fingerprint, small_scrubber
from vibedom.preflight.builtin import ScanLimits, scan_paths
from vibedom.preflight.file_report import FileFinding, ScanReport
from vibedom.preflight.sarif import to_sarif


def scan(root: Path, **options: object) -> ScanReport:
    return scan_paths(root, engine=small_scrubber().engine, fingerprint=fingerprint, **options)  # type: ignore[arg-type]


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def files(report: ScanReport) -> list[str]:
    return [finding.file for finding in report.findings]


def test_a_finding_says_where_and_shows_no_secret(tmp_path: Path) -> None:
    write(tmp_path / "src" / "a.py", b"x = 1\nlong = 'k'; t = '" + TOKEN + b"'\n")
    report = scan(tmp_path)
    (finding,) = report.findings
    assert (finding.file, finding.rule, finding.secret_class) == ("src/a.py", "github-pat", "credential")
    assert (finding.start_line, finding.start_column, finding.end_line, finding.end_column) == (2, 18, 2, 57)
    assert (finding.length, finding.fingerprint, finding.sample) == (40, fingerprint(TOKEN), "ghp_... (40 bytes)")
    assert 4 < finding.entropy < 5.5
    assert TOKEN.decode() not in repr(report) + msgspec.json.encode(report).decode() + str(to_sarif(report))


def test_the_secret_itself_goes_to_the_callback_only(tmp_path: Path) -> None:
    write(tmp_path / "a.json", b'{"k": "' + KEY_BLOCK.replace(b"\n", b"\\n") + b'"}')
    secrets: list[tuple[FileFinding, bytes]] = []
    report = scan(tmp_path, on_secret=lambda finding, secret: secrets.append((finding, secret)))
    assert secrets == [(report.findings[0], KEY_BLOCK)]


def test_encoded_secrets_are_found(tmp_path: Path) -> None:
    import base64

    write(tmp_path / "k8s.yaml", b"data:\n  token: " + base64.b64encode(b"token=" + TOKEN) + b"\n")
    write(tmp_path / "utf16.txt", ("key " + TOKEN.decode()).encode("utf-16"))
    report = scan(tmp_path)
    assert files(report) == ["k8s.yaml", "utf16.txt"]
    assert {finding.fingerprint for finding in report.findings} == {fingerprint(TOKEN)}


def test_dependencies_and_git_internals_are_left_out_unread_and_named(tmp_path: Path) -> None:
    for name in ("node_modules/x/a.js", ".git/logs/HEAD", "env/lib/b.py", "sub/__pycache__/c.txt", "src/d.py"):
        write(tmp_path / name, TOKEN)
    write(tmp_path / "env" / "pyvenv.cfg", b"")
    report = scan(tmp_path)
    assert files(report) == ["src/d.py"]
    assert report.excluded == (".git", "env", "node_modules", "sub/__pycache__")
    assert report.files == 1


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    write(outside / "secret.txt", TOKEN)
    root.mkdir()
    (root / "file").symlink_to(outside / "secret.txt")
    (root / "directory").symlink_to(outside)
    os.mkfifo(root / "fifo")
    report = scan(root)
    assert (report.files, report.findings, report.skipped) == (0, (), ())


def test_what_git_ignores_is_marked_or_left_out(tmp_path: Path) -> None:
    write(tmp_path / ".gitignore", b"dist/\n*.log\n")
    write(tmp_path / "sub" / ".gitignore", b"!keep.log\nlocal.txt\n")
    for name in ("dist/a.js", "b.log", "sub/keep.log", "sub/local.txt", "src.py"):
        write(tmp_path / name, TOKEN)
    report = scan(tmp_path)
    assert {finding.file for finding in report.findings if finding.is_ignored} == {
        "dist/a.js",
        "b.log",
        "sub/local.txt",
    }
    assert len(report.findings) == 5
    assert files(scan(tmp_path, include_ignored=False)) == ["src.py", "sub/keep.log"]


def test_allowed_lines_and_listed_findings_are_counted_not_reported(tmp_path: Path) -> None:
    write(tmp_path / "a.py", b"a = '" + TOKEN + b"'  # gitleaks:allow\n")
    write(tmp_path / "b.py", b"\nb = '" + TOKEN + b"'\n")
    write(tmp_path / "c.py", b"c = '" + TOKEN + b"'\n")
    write(tmp_path / "d.py", b"d = '" + TOKEN + b"'\n")
    write(
        tmp_path / ".gitleaksignore", b"# ours\nb.py:github-pat:2\n" + b"a" * 40 + b":c.py:github-pat:1\nd.py:other:1\n"
    )
    report = scan(tmp_path)
    assert (files(report), report.suppressed) == (["d.py"], 3)


def test_files_that_are_too_big_or_cannot_be_read_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "big.txt", b"x" * 5000 + TOKEN)
    write(tmp_path / "film.bin", b"\0" * 5000)
    write(tmp_path / "small.txt", TOKEN)
    report = scan(tmp_path, limits=ScanLimits(max_file_bytes=4096))
    assert [(each.file, each.reason) for each in report.skipped] == [("big.txt", "too-big")]
    assert files(report) == ["small.txt"]
    assert (report.binary_files, report.is_truncated) == (1, False)


def test_the_time_limit_ends_a_scan_and_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", TOKEN)
    report = scan(tmp_path, limits=ScanLimits(max_seconds=-1))
    assert report.is_truncated
    assert [(each.file, each.reason) for each in report.skipped] == [("a.txt", "timed-out")]


def test_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    name = b"caf\xe9\n.txt"
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
        file.write(TOKEN)
    report = scan(tmp_path)
    assert os.fsencode(report.findings[0].file) == name
    assert to_sarif(report)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "caf%E9%0A.txt"
    }


def test_one_file_can_be_the_root(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", TOKEN)
    assert files(scan(tmp_path / "a.txt")) == ["a.txt"]


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "nothing")


def test_many_files_on_many_threads_give_the_same_report(tmp_path: Path) -> None:
    for number in range(500):
        write(tmp_path / f"d{number % 7}" / f"f{number}.txt", b"x\n" * number + (TOKEN if number % 50 == 0 else b""))
    told: list[tuple[int, int]] = []
    one = scan(tmp_path, jobs=1)
    many = scan(tmp_path, jobs=8, progress=lambda count, size: told.append((count, size)))
    assert one.findings == many.findings
    assert len(one.findings) == 10
    assert told[-1] == (many.files, many.bytes) == (500, one.bytes)
