"""How fast streams are scrubbed: 4 KiB chunks against the whole body, events of a chat, and known values.

python -m benchmarks.bench_stream [--json FILE] [--quick]
"""

import argparse
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import corpus
from benchmarks.adversarial import ADVERSARIAL
from pipeline.events import Media
from pipeline.scrubber.engine import build_engine
from pipeline.scrubber.exact import ExactValues, exact_engine
from pipeline.scrubber.model import Engine
from pipeline.scrubber.redactor import Redactor
from pipeline.scrubber.stream import Stream, open_stream
from vibedom.rule_files import load_shipped

SEED = 11
SIZE = 512 * 1024
CHUNK = 4096
PIECE = 8192
"""What the proxy reads of a chunk before it looks at the clock (`vibedom/proxy/turns.py`)."""
KINDS: dict[str, tuple[Media, Callable[[random.Random, int], bytes]]] = {
    "chat": ("json", corpus.chat),
    "minified js": ("text", corpus.minified_js),
    "html": ("text", corpus.html),
    "form": ("text", corpus.form),
    "base64 json": ("json", corpus.base64_json),
    "numeric json": ("json", corpus.numeric_json),
}


def fingerprint(secret: bytes) -> str:
    return f"{len(secret):016x}"


def new_stream(engine: Engine, media: Media) -> Stream:
    return open_stream(
        engine, media=media, charset=None, choose=lambda _: "scrub", fingerprint=fingerprint, location="body"
    )


def seconds(call: Callable[[], object], repeats: int) -> list[float]:
    """Of this thread's work: what other programs do on the machine does not count."""
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return sorted(times)


def stream_body(engine: Engine, media: Media, chunks: Sequence[bytes]) -> None:
    stream = new_stream(engine, media)
    for chunk in chunks:
        stream.feed(chunk)
    stream.finish()


def body_rows(engine: Engine, repeats: int) -> list[dict[str, object]]:
    """For each kind of body the whole-body search (engine alone, and with decoding) and the stream, in ms."""
    rng = random.Random(SEED)
    rows = []
    for kind, (media, make) in KINDS.items():
        body = make(rng, SIZE)
        chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
        search = Redactor(engine, lambda _: "scrub", fingerprint, "body").search
        engine_alone, whole, streamed = [], [], []
        for _ in range(repeats):  # in turns, so that a busy moment hits all three
            engine_alone += seconds(lambda: engine.find(body), 1)  # noqa: B023
            whole += seconds(lambda: search(body), 1)  # noqa: B023
            streamed += seconds(lambda: stream_body(engine, media, chunks), 1)  # noqa: B023
        row = {"kind": kind, "bytes": len(body), "engine_ms": _ms(engine_alone), "whole_ms": _ms(whole)}
        row |= {"stream_ms": _ms(streamed), "stream_p99_ms": _ms(streamed, 0.99)}
        row |= {"of_whole": _ms(whole) / _ms(streamed), "of_engine": _ms(engine_alone) / _ms(streamed)}
        rows.append(row)
    return rows


def _ms(times: list[float], quantile: float = 0.5) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))] * 1e3


def event_row(engine: Engine, repeats: int) -> dict[str, object]:
    """Time of one event of a chat of 1,000 deltas, in microseconds, and how many of them leave at once."""
    rng = random.Random(SEED)
    texts = [f" {word}" for word in corpus.words(rng, 1000).split()]
    events = [
        b"event: content_block_delta\ndata: "
        + json.dumps(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        ).encode()
        + b"\n\n"
        for text in texts
    ]
    times, left = [], 0
    for _ in range(repeats):
        stream = new_stream(engine, "sse")
        left = 0
        for event in events:
            start = time.thread_time()
            left += bool(stream.feed(event))
            times.append(time.thread_time() - start)
        stream.finish()
    return {"events": len(events), "left_at_once": left, "p50_us": _ms(times) * 1e3, "p99_us": _ms(times, 0.99) * 1e3}


def piece_rows(engine: Engine, repeats: int) -> list[dict[str, object]]:
    """The longest that a piece of each adversarial body takes, in ms of this thread: so long others wait at least."""
    rows = []
    for name, make in ADVERSARIAL.items():
        body = make(SIZE // 4)
        pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
        longest = min(_longest(engine, pieces) for _ in range(repeats))
        rows.append({"body": name, "bytes": len(body), "longest_ms": longest * 1e3})
    return rows


def _longest(engine: Engine, pieces: Sequence[bytes]) -> float:
    stream, longest = new_stream(engine, "text"), 0.0
    for piece in pieces:
        start = time.thread_time()
        stream.feed(piece)
        longest = max(longest, time.thread_time() - start)
    return longest


def exact_rows(engine: Engine, repeats: int) -> list[dict[str, float]]:
    """What known values cost on top of the rules, for a whole chat body."""
    rng = random.Random(SEED)
    body = corpus.chat(rng, SIZE)
    rows = []
    for count in (1, 10, 100, 1000):
        values = ExactValues([(f"v{n}", rng.randbytes(12).hex().encode()) for n in range(count)])
        start = time.thread_time()
        exact = exact_engine(engine, values)
        build = time.thread_time() - start
        pairs = [(seconds(lambda: engine.find(body), 1), seconds(lambda: exact.find(body), 1)) for _ in range(repeats)]  # noqa: B023
        plain, with_values = _ms([a[0] for a, _ in pairs]), _ms([b[0] for _, b in pairs])
        rows.append({"values": count, "build_ms": build * 1e3, "engine_ms": plain, "exact_ms": with_values})
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    repeats = 10 if options.quick else 60
    engine = build_engine(load_shipped())
    rows = body_rows(engine, repeats)
    print(f"{len(engine.rules)} rules, {SIZE // 1024} KiB in {CHUNK} byte chunks, {platform.machine()}, ms (p50)")
    for row in rows:
        print(
            f"  {row['kind']:<13} engine {row['engine_ms']:7.2f}  whole {row['whole_ms']:7.2f}  stream"
            f" {row['stream_ms']:7.2f} (p99 {row['stream_p99_ms']:.2f})  rate {row['of_whole']:.2f} of whole,"
            f" {row['of_engine']:.2f} of engine alone"
        )
    events = event_row(engine, 2 if options.quick else 5)
    print(
        f"  chat events: {events['left_at_once']} of {events['events']} left at once, p50 {events['p50_us']:.0f} us,"
        f" p99 {events['p99_us']:.0f} us"
    )
    pieces = piece_rows(engine, 1 if options.quick else 3)
    worst = sorted(pieces, key=lambda row: float(str(row["longest_ms"])), reverse=True)
    listed = ", ".join(f"{row['body']} {row['longest_ms']:.1f}" for row in worst[:5])
    print(f"  longest piece of {PIECE // 1024} KiB, ms: {listed}; all others under {worst[5]['longest_ms']:.1f}")
    exact = exact_rows(engine, repeats)
    for costs in exact:
        print(
            f"  {costs['values']:>5} known values: built in {costs['build_ms']:.1f} ms, find {costs['exact_ms']:.2f} ms"
            f" (rules alone {costs['engine_ms']:.2f})"
        )
    if options.json is not None:
        result = {"python": sys.version, "bodies": rows, "events": events, "pieces": pieces, "exact": exact}
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
