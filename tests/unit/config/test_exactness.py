"""The secret goes, all of it, and nothing else does."""

import random
import string

import pytest

from tests.unit.config.redaction import Redaction

VALUE = "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=32))
PASSWORD = "tr0ub4dor" + "&3xq"

ASSIGNMENTS = [
    f"DB_PASSWORD={VALUE}",
    f"export API_KEY='{VALUE}'",
    f"api_key: {VALUE}",
    f'"client_secret": "{VALUE}",',
    f'{{\\"client_secret\\": \\"{VALUE}\\"}}',
    f"secret={VALUE}&next=1",
    f"<apiKey>{VALUE}</apiKey>",
    f'const token = "{VALUE}";',
    f"let apiToken := `{VALUE}`",
    f'String accessToken = "{VALUE}";',
    f"$config['secret_key'] = '{VALUE}';",
    f"  'auth_token' => \"{VALUE}\",",
    f'System.setProperty("ACCESS_TOKEN", "{VALUE}")',
    f"tool --api-key {VALUE} run",
    f"X-Api-Key: {VALUE}",
    f"Authorization: Bearer {VALUE}",
    f'password = "{PASSWORD}"',
]


@pytest.mark.parametrize("line", ASSIGNMENTS)
def test_the_value_goes_and_its_name_stays(redact: Redaction, line: str) -> None:
    secret = PASSWORD if PASSWORD in line else VALUE
    front, _, back = line.partition(secret)
    redacted = redact(line)
    assert redacted.startswith(front)
    assert redacted.endswith(back)
    assert secret not in redacted
    assert redacted[len(front) : len(redacted) - len(back)].startswith("[REDACTED_")


def test_a_connection_string_keeps_all_but_its_password(redact: Redaction) -> None:
    url = f"postgresql://app:{VALUE}@db.demo.test:5432/app?sslmode=require"
    assert redact(url) == "postgresql://app:[REDACTED_POSTGRES_URI_PASSWORD]@db.demo.test:5432/app?sslmode=require"


def pem(rng: random.Random, end: str) -> str:
    lines = ["".join(rng.choices(string.ascii_letters + string.digits + "+/", k=64)) for _ in range(12)]
    return "-----BEGIN RSA " + "PRIVATE KEY-----" + end + end.join(lines) + end


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n"])
def test_a_private_key_goes_from_header_to_footer(redact: Redaction, end: str) -> None:
    key = pem(random.Random(1), end) + "-----END RSA " + "PRIVATE KEY-----"
    assert redact(f"before {key} after") == "before [REDACTED_PRIVATE_KEY] after"


def test_a_truncated_private_key_goes_and_the_text_behind_it_stays(redact: Redaction) -> None:
    key = pem(random.Random(2), "\n").rstrip("\n")
    assert redact(f"{key}\n\nThe rest of the letter.") == "[REDACTED_PRIVATE_KEY]\n\nThe rest of the letter."


def test_a_public_key_and_a_certificate_stay(redact: Redaction) -> None:
    text = pem(random.Random(4), "\n").replace("RSA PRIVATE KEY", "CERTIFICATE") + "-----END CERTIFICATE-----"
    assert redact(text) == text


def test_of_two_tokens_side_by_side_both_go(redact: Redaction) -> None:
    first, second = "ghp_" + VALUE + "abcd", "glpat-" + VALUE[:20]
    assert redact(f"{first},{second}") == "[REDACTED_GITHUB_PAT],[REDACTED_GITLAB_PAT]"
