"""What fuzzing found once, and a little of it on every run."""

import base64
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.unit.pipeline.scrubber.stream_support import PEM, PEM_BODY

ROOT = Path(__file__).parents[2]
TOO_LARGE = rb"key=((?:[^\s=]{0,24}[@*?!#]){3,16}[^\s=]{0,24})" + b"\0 key=a@b*c?d!"
"""Hyperscan refuses the pattern."""
BROKEN_WIDE = b"\x40\x90*\0\0\0\0\0\0\0c3a1BB2c3"
"""Begins as UTF-32 and is none: the same for all cuts."""
_KEY = PEM.replace(b"PRIVATE", b"PRiVATE")
MIXED_CASE = b"@\x90my key:\n" + _KEY
"""A rule may take a header in any case of its letters."""
SPELLED = b"@\x90key: " + PEM.replace(b"--BEGIN", b"%2d-BEG%49N", 1) + b" and more"
IN_LINES = b"@\x90x " + base64.encodebytes(b"it is: " + PEM[:32] + PEM_BODY[:195] + PEM[-29:] + b" and more of it")
CONTROL = b"\x40\x90IDQxMTEgMTExMSAxMTExIDExMTgb3IgNDEx\x01 %32"
"""A control character that was taken for padding where an escape follows."""
_TAIL = b"RFIEtF" + b"WS0tLS0t"
ROUNDS = (
    b"\x01\x00{OiAtLS0tLUJFR0lOQSBQUklWQV%bCk1JvYWJDRDEy9kNEMTIrLKTUlJRWFiQ0Qx\nsv8wMDAy0tLS0t5EFJTQSBQUklWQV%bIGWQV%b"
    b"Ck1iQ0Qx\nMiJRDQUklQV%bIGF0aGVg\nYWRoZWIG}QSBQUklWQV%b"
) % ((_TAIL,) * 5)
"""Of lines of base64 each round takes one more."""
FOUND: dict[str, tuple[bytes, ...]] = {
    "bodies": (ROUNDS,),
    "splits": (BROKEN_WIDE, MIXED_CASE, SPELLED, IN_LINES, CONTROL),
    "rules": (TOO_LARGE,),
}


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, cases in FOUND.items() for data in cases])
def test_what_was_found_holds(name: str, data: bytes) -> None:
    TARGETS[name]()(data)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel here")
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run_finds_nothing(name: str) -> None:
    # The same inputs each time: whoever changes something else is not to find a new one.
    command = [sys.executable, "-m", "tests.fuzz", name, "60", "1", "200"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110)  # our own
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "nothing found" in done.stdout
