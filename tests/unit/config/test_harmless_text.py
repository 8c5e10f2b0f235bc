"""What must never change: identifiers, versions, checksums, counters, stand-ins (FIELDLOG E3, E8)."""

import base64
import random
import uuid
from collections.abc import Iterator

import pytest

from tests.unit.config.redaction import Redaction

STAND_INS = """
api_key = "YOUR_API_KEY_HERE"
OPENAI_API_KEY=<your-api-key>
export GITHUB_TOKEN=${GITHUB_TOKEN}
token: $CI_JOB_TOKEN
password: {{ vault_password }}
DB_PASSWORD=changeme
Authorization: Bearer <token>
Authorization: Bearer $ACCESS_TOKEN
secret = "xxxxxxxxxxxxxxxxxxxxxxxx"
ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
password = "********"
secret_key = os.environ["SECRET_KEY"]
password = getpass.getpass()
token = next_token
const apiKey = process.env.API_KEY;
client_secret: ${{ secrets.CLIENT_SECRET }}
api_key: "<insert key here>"
postgresql://localhost:5432/app
https://registry.demo.test/@scope/name
results["token"] = NotifyEight00demo.unquote(results["qsd"])
peer_key = X25519PublicKey.from_public_bytes(data)
self._private_key = X25519PrivateKey.generate()
credentials = standard_b64encode(pair)
results["password"] = cwe312_word(results["password"])
Token.Error: "$text-error on $error-muted",
Token.Keyword.Constant: "bold $text-success 80%",
{"password": "string?", "passphrase": "string?"}
throw new Failure(`Unexpected token "${n[i].toSource()}"`)
redis://[[username]:[password]]@localhost:6379/0
https://hooks.slack.com/services/TOKEN_A/TOKEN_B/TOKEN_C
package/plugins/opsgenie.py,sha256=sB7NClyewh8Y17cxA2I0X5XFqqTXdITJP0GybeVme1U,12345
https://help.xmatters.com/integrations/other/triggeralertsbywebhook.htm
# mailersend://APIKey:FromEmail/ToEmail1/ToEmail2/ToEmailN
- Bearer https://tools.ietf.org/html/rfc6750
passphrase: 'top secret'
""".strip().splitlines()

COUNTERS = """
{"max_tokens": 4096, "input_tokens": 12345678901, "cache_read_input_tokens": 1234567}
{"usage": {"prompt_tokens": 1700000000, "total_tokens": 4155550132}}
"token_count": 98765432101
tokenizer: "cl100k_base_2024"
"monkey": "banana-split-2024-edition"
author = "ada lovelace 1815"
""".strip().splitlines()


def identifiers(rng: random.Random) -> Iterator[str]:
    """Lines of logs, lock files and API answers."""
    for _ in range(400):
        sha = f"{rng.getrandbits(160):040x}"
        yield f"{1_700_000_000 + rng.randrange(10**8)} INFO request {uuid.UUID(int=rng.getrandbits(128))} took 12 ms"
        yield f'{{"created": {1_700_000_000_000 + rng.randrange(10**10)}, "id": "{rng.getrandbits(96):024x}"}}'
        yield f"commit {sha}"
        yield f"{rng.getrandbits(256):064x}  package-{rng.randrange(9)}.{rng.randrange(99)}.tar.gz"
        yield f'"integrity": "sha512-{base64.b64encode(rng.randbytes(64)).decode()}"'
        yield f"order {rng.randrange(10**9, 10**10)} shipped in box {rng.randrange(10**7, 10**8)}"
        yield f"pkg-{rng.randrange(20)}.{rng.randrange(20)}.{rng.randrange(2000)}-rc.1+build.{sha[:7]}"
        yield f"version 1.2.3.{rng.randrange(255)} and 2.{rng.randrange(99)}.0"
        yield f'<img src="data:image/png;base64,{base64.b64encode(rng.randbytes(300)).decode()}">'
        yield f'etag: W/"{sha[:32]}"'


@pytest.mark.parametrize("line", STAND_INS)
def test_a_stand_in_for_a_secret_stays(redact: Redaction, line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize("line", COUNTERS)
def test_a_counter_of_tokens_is_no_token(redact: Redaction, line: str) -> None:
    assert redact(line) == line


def test_identifiers_of_logs_and_lock_files_stay(redact: Redaction) -> None:
    lines = list(identifiers(random.Random(20)))
    assert [line for line in lines if redact(line) != line] == []
