"""A small rule set for tests of everything but the rules."""

import hashlib
import hmac
from functools import cache

from pipeline.scrubber.engine import reference_engine
from pipeline.scrubber.rules import parse_rules
from vibedom.wiring import Detection

RULES = """
[[rules]]
id = "github-pat"
regex = '''ghp_[0-9A-Za-z]{36}'''
keywords = ["ghp_"]

[[rules]]
id = "gitlab-pat"
regex = '''glpat-[0-9a-zA-Z-]{20}'''
keywords = ["glpat-"]

[[rules]]
id = "anthropic-api-key"
regex = '''sk-ant-api03-[0-9A-Za-z_-]{20,120}'''
keywords = ["sk-ant-api03"]

[[rules]]
id = "aws-key-id"
regex = '''\\bAKIA[0-9A-Z]{16}\\b'''
keywords = ["akia"]

[[rules]]
id = "password-assignment"
regex = '''(?i)password["']?\\s*[:=]\\s*["']?([^\\s"'&<,}]{8,64})'''
secretGroup = 1
keywords = ["password"]

[vibedom.rules.github-pat]
class = "credential"
homes = ["github.com", "api.github.com"]

[vibedom.rules.anthropic-api-key]
class = "credential"
homes = ["api.anthropic.com"]
"""

GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
GITHUB_TOKEN = GITHUB[:40]
"""A fake GitHub token, made when the tests run."""
ANTHROPIC_KEY = "sk-ant-" + "api03-" + "Zx9Kq2Lm8Np4Rt6Vw1Yb3Cd5Ef7Gh0Jk" * 2


@cache
def small_detection() -> Detection:
    engine = reference_engine(parse_rules(RULES, source="test rules"))
    return Detection(
        engine=engine, fingerprint=lambda secret: hmac.new(b"test key", secret, hashlib.sha256).hexdigest()[:16]
    )
