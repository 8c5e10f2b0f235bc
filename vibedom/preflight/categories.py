"""How much a finding matters: HIGH, MEDIUM or LOW, with the reason that is shown."""

import re

from pipeline.events import Severity
from vibedom.preflight.finding import Detection, Risk

_EXAMPLE = re.compile(
    rb"(?i)example|sample|dummy|fake|placeholder|change_?me|redacted|not_?real|x{6}|0{8}|1234567890|abcdef0123456789"
)
_TEST_MODE = re.compile(rb"(?i)^(?:[sr]k|pk|whsec)_test_|^test_|^SANDBOX|^APP_USR-TEST|^rzp_test_|^FLWSECK_TEST")
_LIVE = re.compile(rb"(?i)^(?:[sr]k|rzp|shpss|access|live)[_-]?(?:live|production)|_live_|^live_|^EAAAE|^sq0csp-")
_TEST_PATH = re.compile(
    r"(?i)(?:^|/)(?:tests?|__tests__|spec|specs|fixtures?|testdata|mocks?|__mocks__|e2e|cypress|examples?|samples?)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*[._-](?:test|spec|mock|fixture)s?\.[^/]+|conftest\.py)$"
)
_PRODUCTION_PATH = re.compile(
    r"(?i)(?:^|[/._-])(?:prod|production|live|deploy|deployment|release|helm|k8s|kubernetes|terraform|ansible)"
    r"(?:[/._-]|$)"
)
_TEMPLATE = re.compile(
    r"(?i)(?:^|/)[^/]*\.(?:example|sample|template|dist|tmpl)$|(?:^|/)\.env\.(?:example|sample|template)"
)
_LOCAL_ENVIRONMENT = re.compile(r"(?i)(?:^|/)(?:\.env(?:\.(?:local|dev|development|test)[^/]*)?|\.envrc|[^/]+\.env)$")
_DOCUMENTATION = re.compile(r"(?i)(?:^|/)(?:docs?|documentation)/|\.(?:md|rst|adoc)$")
_GENERIC = re.compile(r"(?i)generic|password|entropy|assignment|basic-auth|high-entropy")

_BY_SEVERITY: dict[Severity, Risk] = {"critical": "HIGH", "high": "HIGH", "medium": "MEDIUM", "low": "LOW"}


def categorise(found: Detection) -> tuple[Risk, str]:
    """Risk and reason of one detection. The value speaks first, then the place, then the rule."""
    secret, file = found.secret.data, found.file
    if _EXAMPLE.search(secret):
        return "LOW", "a documented example or a placeholder, no real secret"
    if _LIVE.search(secret):
        return "HIGH", "a live key: it works on real accounts"
    if _TEST_MODE.search(secret):
        return "LOW", "a key of a test mode"
    if "private-key" in found.rule and not _TEST_PATH.search(file):
        return "HIGH", "a private key"
    if _TEMPLATE.search(file):
        return "LOW", "in a template, which should hold no real values"
    if _PRODUCTION_PATH.search(file):
        return "HIGH", "in a file for production"
    if _TEST_PATH.search(file):
        return "LOW", "in tests or examples"
    if found.commit:
        return "MEDIUM", "only in the history: the agent can read it there"
    if _LOCAL_ENVIRONMENT.search(file):
        return "MEDIUM", "in a local environment file"
    if _DOCUMENTATION.search(file):
        return "MEDIUM" if found.severity in ("critical", "high") else "LOW", "in documentation"
    if _GENERIC.search(found.rule):
        return "MEDIUM", "looks like a password or key, of no known kind"
    return _BY_SEVERITY[found.severity], f"{found.description[:1].lower()}{found.description[1:]}"
