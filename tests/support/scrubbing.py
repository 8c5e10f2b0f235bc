"""A scrubber over a small rule set that has every kind of rule, for tests of structure."""

import hashlib
import hmac
from functools import cache

from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.model import Result, default_choose
from pipeline.scrubber.rules import parse_rules
from pipeline.scrubber.scrubber import Scrubber

RULES = """
[[rules]]
id = "github-pat"
regex = '''\\bghp_[0-9A-Za-z]{36}\\b'''
keywords = ["ghp_"]

[[rules]]
id = "cloud-secret-key"
regex = '''(?i)secret_key["']?\\s{0,3}[:=]\\s{0,3}["']?([0-9A-Za-z/+]{40})\\b'''
secretGroup = 1
keywords = ["secret_key"]

[[rules]]
id = "generic-password"
regex = '''(?i)(?:password|passwd)["']?\\s{0,3}[:=]\\s{0,3}["']?([^\\s"'&<>,;]{8,64})'''
secretGroup = 1
keywords = ["password", "passwd"]

[[rules]]
id = "private-key"
regex = '''-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\\s\\S-]{64,}?-----END [A-Z ]{0,20}PRIVATE KEY-----'''
keywords = ["-----begin"]

[[rules]]
id = "basic-auth"
regex = '''(?i)authorization:\\s{0,3}basic\\s{1,3}([A-Za-z0-9+/=]{8,200})'''
secretGroup = 1
keywords = ["basic"]

[[rules]]
id = "email"
regex = '''[\\w.+-]{1,64}@[\\w-]{1,63}\\.[a-z]{2,10}'''

[[rules]]
id = "credit-card"
regex = '''\\b4[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\\b'''

[[rules]]
id = "private-ipv4"
regex = '''\\b10\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\b'''

[vibedom.rules.github-pat]
class = "credential"

[vibedom.rules.email]
class = "pii"

[vibedom.rules.private-ipv4]
class = "private-ip"
"""

TOKEN = b"ghp_" + b"aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"
"""A fake token, put together when the tests run."""
CLOUD_KEY = b"wJalr/UtnFEMI+K7MDENG/bPxRfiCYzZ/qLMo/Xk"
CARD = b"4111" + b"1111" * 3
KEY_BLOCK = b"\n".join(
    (
        b"-----BEGIN RSA " + b"PRIVATE KEY-----",
        *[b"MIIEpAIBAAKCAQEA7bq5Zz2vQx0Zr7f3cQmJ3N8uH5sT4wK1pXyVbLdGfE"] * 3,
        b"-----END RSA " + b"PRIVATE KEY-----",
    )
)


@cache
def small_scrubber() -> Scrubber:
    """All its rules scrub; fingerprints are keyed with a test key."""
    return Scrubber(build_engine(parse_rules(RULES, source="test rules")), fingerprint=fingerprint)


def fingerprint(secret: bytes) -> str:
    return hmac.new(b"test key", secret, hashlib.sha256).hexdigest()[:16]


def scrub_json(data: bytes) -> Result:
    return small_scrubber().body(data, "json", choose=default_choose)


def found(result: Result) -> list[tuple[str, str, str]]:
    """Rule, action and location of each hit."""
    return [(hit.rule.id, hit.action, hit.location) for hit in result.hits]
