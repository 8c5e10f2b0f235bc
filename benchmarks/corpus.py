"""Seeded bodies as HTTP carries them, and made-up secrets to plant in them."""

import base64
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote_plus

_TEXT = (
    "the of and to in a is that for it as was with be by on not he this are or his from at which but have an had "
    "they you were their one all we can her has there been if more when will would who so no about up its out into "
    "than them only other new some could time these two may then do first any my now such like our over man even "
    "most made after also did many before must through years where much your way well down should because each just "
    "those people state good very make world still own see work long get here between both life being under never "
    "day same another know while last might us great old year off come since against go came right used take three "
    "function return request response server client build test deploy config error value object string number cache "
    "index update module import export async await promise handler user account commit branch merge review issue "
    "project file path directory container image volume network proxy header body "
)
_KEYWORDS = ["token", "key", "session", "password", "login", "access", "secret", "api", "auth", "credential"]
"""Words that rules look for; one in 150 of all words, as in conversations about code."""
_WORDS = _TEXT.split() * 30
_WORDS += _KEYWORDS * (len(_WORDS) // 150 // len(_KEYWORDS))
_FIELDS = _TEXT.split()
"""Names of form fields: what is sent as `password` is one, and is found."""


def words(rng: random.Random, count: int) -> str:
    """`count` words with some punctuation."""
    out = []
    for _ in range(count):
        word = rng.choice(_WORDS)
        out.append(word + rng.choice(("", "", "", "", "", "", ",", ".", ":", "?")))
    return " ".join(out)


def _code(rng: random.Random) -> str:
    names = [rng.choice(_WORDS) for _ in range(6)]
    return (
        f"def {names[0]}_{names[1]}({names[2]}, *, {names[3]}=None):\n"
        f'    """{words(rng, 8)}"""\n'
        f"    if {names[3]} is None:\n        {names[3]} = [{rng.randrange(100)}, 'x', \"{names[4]}\"]\n"
        f"    return {names[2]}.{names[5]}({names[3]})  # {words(rng, 5)}\n"
    )


def chat(rng: random.Random, size: int) -> bytes:
    """A conversation with a model: prose, code, tool results, as one JSON object."""
    messages: list[dict[str, object]] = []
    length = 0
    while length < size:
        kind = rng.randrange(3)
        if kind == 0:
            text = words(rng, rng.randrange(20, 200))
        elif kind == 1:
            text = "```python\n" + "".join(_code(rng) for _ in range(rng.randrange(1, 6))) + "```\n" + words(rng, 40)
        else:
            lines = (
                f"src/{rng.choice(_WORDS)}/{rng.choice(_WORDS)}.py:{rng.randrange(900)}: {words(rng, 8)}"
                for _ in range(15)
            )
            text = "\n".join(lines)
        messages.append({"role": rng.choice(("user", "assistant")), "content": [{"type": "text", "text": text}]})
        length += len(text) + 70
    body = json.dumps({"model": "some-model-4", "max_tokens": 4096, "messages": messages})
    return _cut_json(body, size)


def _cut_json(body: str, size: int) -> bytes:
    """`body` brought to `size` with one more string value, so that it stays JSON."""
    if len(body) < size:
        return (body[:-1] + ', "pad": "' + "x " * ((size - len(body)) // 2) + '"}').encode()[: size * 2]
    return body.encode()


def minified_js(rng: random.Random, size: int) -> bytes:
    """What a bundler leaves: short names, few blanks, one line."""
    out, length = [], 0
    while length < size:
        a, b, c = (rng.choice(string.ascii_letters) for _ in range(3))
        word, other = rng.choice(_WORDS), rng.choice(_WORDS)
        part = rng.choice(
            (
                f"function {a}{b}({c},{a}){{return {c}.{word}({a}?{b}.{other}:null)}}",
                f'var {a}={{{word}:"{other}",{other}:{rng.randrange(9999)},e:[{b},{c},!0,!1]}};',
                f"if({a}!=={b}&&{c}.length>{rng.randrange(50)}){{{a}.{word}.push({b});{c}=0}}",
                f"{a}.prototype.{word}=function({b}){{for(var {c}=0;{c}<{b}.length;{c}++)this.{other}({b}[{c}])}};",
            )
        )
        out.append(part)
        length += len(part)
    return "".join(out).encode()[:size]


def html(rng: random.Random, size: int) -> bytes:
    """A page of text."""
    out, length = ["<!doctype html><html><head><title>x</title></head><body>\n"], 60
    while length < size:
        link = f'<a href="/{rng.choice(_WORDS)}/{rng.randrange(9999)}?page={rng.randrange(99)}">{words(rng, 3)}</a>'
        part = f'<div class="{rng.choice(_WORDS)}-{rng.randrange(9)}"><p>{words(rng, 30)}</p>{link}</div>\n'
        out.append(part)
        length += len(part)
    return "".join(out).encode()[:size]


def form(rng: random.Random, size: int) -> bytes:
    """`application/x-www-form-urlencoded`."""
    out, length = [], 0
    while length < size:
        part = f"{rng.choice(_FIELDS)}_{rng.randrange(99)}={quote_plus(words(rng, rng.randrange(1, 30)))}"
        out.append(part)
        length += len(part) + 1
    return "&".join(out).encode()[:size]


def base64_json(rng: random.Random, size: int) -> bytes:
    """Images in a JSON body."""
    parts, length = [], 0
    while length < size - 200:
        raw = rng.randbytes(min(24_000, max(60, (size - length) * 3 // 4 - 100)))
        data = base64.b64encode(raw).decode()
        parts.append({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
        length += len(data) + 100
    return json.dumps({"content": parts}).encode()


def numeric_json(rng: random.Random, size: int) -> bytes:
    """Telemetry: times, counters, coordinates."""
    rows, length = [], 0
    while length < size - 100:
        row = {
            "ts": 1_700_000_000_000 + rng.randrange(10**10),
            "id": rng.randrange(10**12),
            "lat": round(rng.uniform(-90, 90), 6),
            "lon": round(rng.uniform(-180, 180), 6),
            "values": [rng.randrange(10**5) for _ in range(6)],
        }
        rows.append(row)
        length += len(json.dumps(row)) + 2
    return json.dumps({"rows": rows}).encode()


BODIES: dict[str, Callable[[random.Random, int], bytes]] = {
    "chat": chat,
    "min. JS": minified_js,
    "HTML": html,
    "form": form,
    "base64 JSON": base64_json,
    "numeric JSON": numeric_json,
}


def _pick(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


_ALNUM = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"

SECRETS: tuple[Callable[[random.Random], str], ...] = (
    lambda r: "gh" + "p_" + _pick(r, _ALNUM, 36),
    lambda r: "glp" + "at-" + _pick(r, _ALNUM, 20),
    lambda r: "AK" + "IA" + _pick(r, string.ascii_uppercase + "234567", 16),
    lambda r: (
        "xo" + "xb-" + _pick(r, string.digits, 12) + "-" + _pick(r, string.digits, 12) + "-" + _pick(r, _ALNUM, 24)
    ),
    lambda r: "sk-" + "ant-api03-" + _pick(r, _ALNUM + "_-", 93) + "AA",
    lambda r: "np" + "m_" + _pick(r, _LOWER, 36),
    lambda r: "sk_" + "live_" + _pick(r, _ALNUM, 24),
    lambda r: "dop_v1" + "_" + _pick(r, _HEX, 64),
    lambda r: "SG" + "." + _pick(r, _ALNUM, 22) + "." + _pick(r, _ALNUM, 43),
    lambda r: "AI" + "za" + _pick(r, _ALNUM, 35),
    lambda r: "hf" + "_" + _pick(r, string.ascii_letters, 34),
    lambda r: "shp" + "at_" + _pick(r, _HEX, 32),
)
"""Makers of tokens that name themselves."""


def secrets(rng: random.Random, count: int) -> list[str]:
    """`count` different tokens, one family after the other."""
    return [SECRETS[i % len(SECRETS)](rng) for i in range(count)]


def planted(body: bytes, tokens: list[str], rng: random.Random) -> bytes:
    """`body` with the tokens at places between words, blanks around them."""
    places = sorted(_blanks(body, rng, len(tokens)), reverse=True)
    for place, token in zip(places, tokens, strict=True):
        body = body[:place] + b" " + token.encode() + b" " + body[place:]
    return body


def _blanks(body: bytes, rng: random.Random, count: int) -> list[int]:
    """Offsets of blanks, commas or `&` near random places: where a token does not break what is around it."""
    found = []
    for _ in range(count):
        near = rng.randrange(len(body))
        at = next((i for mark in (b" ", b"+", b",", b";") if (i := body.find(mark, near)) >= 0), len(body) - 1)
        found.append(at)
    return found
