"""Which strings of an event are pieces of a longer text, and which of those texts an event ends.

Known are the streams of the Anthropic, OpenAI (chat completions, completions, responses), Gemini, Cohere and Ollama
APIs, and what speaks like them. An unknown event has a piece where it has one string that is named like one.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pipeline.scrubber.json_places import Path

Channel = tuple[str | int, ...]
"""What tells the texts of one stream apart; ends are given as the beginning of channels."""


class Delta(NamedTuple):
    """A piece of the text `channel`, at `path` in the event."""

    channel: Channel
    path: Path
    text: str


class Event(NamedTuple):
    """What an event brings and ends. `ends` names the beginnings of channels; `()` is the beginning of all."""

    deltas: tuple[Delta, ...] = ()
    ends: tuple[Channel, ...] = ()


PASSING = Event()
"""Brings no piece and ends nothing."""
ENDS_ALL = Event(ends=((),))
LOOSE = "?"
"""First word of the channels of unknown events: whether their strings are pieces of one text is a guess."""

_PASSING_TYPES = {"ping", "message_start", "response.created", "response.in_progress"}
_PASSING_ENDINGS = (".added", ".in_progress", "-start", "_start")
_ENDS = ("done", "completed", "complete", "stop", "end", "finish", "failed", "error", "incomplete", "cancelled")
_CHAT_TEXTS = ("content", "refusal", "reasoning", "reasoning_content", "text", "thinking")
_BLOCK_TEXTS = ("text", "thinking", "partial_json")
_PIECE_NAMES = {"delta", "text", "content", "token", "completion", "response", "chunk", "output", "textDelta"}
_LABEL_NAMES = {"type", "event", "object", "model", "role", "id", "event_id", "message_id", "created_at", "timestamp"}


def read_event(event: object) -> Event:
    """What `event`, a decoded JSON document, brings and ends."""
    if isinstance(event, str):
        return Event((Delta((LOOSE, "string"), (), event),))
    if not isinstance(event, dict):
        return ENDS_ALL
    if "jsonrpc" in event:  # each message stands for itself (MCP, LSP)
        return PASSING
    kind = event.get("type")
    if kind == "content_block_delta":
        return _anthropic(event, "delta")
    if kind == "content_block_start":
        return _anthropic(event, "content_block")
    if kind == "content_block_stop":
        return Event(ends=(("block", _number(event.get("index"))),))
    if isinstance(event.get("choices"), list):
        return _chat(event["choices"])
    if isinstance(event.get("candidates"), list):
        return _gemini(event["candidates"])
    if isinstance(event.get("done"), bool):
        return _ollama(event)
    if isinstance(kind, str):
        return _typed(event, kind)
    return _guess(event)


def _anthropic(event: Mapping[str, Any], member: str) -> Event:
    piece, block = event.get(member), ("block", _number(event.get("index")))
    if not isinstance(piece, dict):
        return ENDS_ALL
    for name in _BLOCK_TEXTS:
        if isinstance(piece.get(name), str):
            return Event((Delta((*block, name), (member, name), piece[name]),))
    return Event(ends=(block,))  # a signature or citation: it follows the text


def _chat(choices: list[Any]) -> Event:
    deltas, ends = [], []
    for position, choice in enumerate(choices):
        if isinstance(choice, dict):
            channel: Channel = ("choice", _number(choice.get("index"), position))
            deltas += list(_chat_texts(choice, channel, ("choices", position)))
            if choice.get("finish_reason") is not None:
                ends.append(channel)
    return Event(tuple(deltas), tuple(ends))


def _chat_texts(choice: Mapping[str, Any], channel: Channel, path: Path) -> Iterator[Delta]:
    if isinstance(choice.get("text"), str):
        yield Delta((*channel, "text"), (*path, "text"), choice["text"])
    delta, path = choice.get("delta"), (*path, "delta")
    if not isinstance(delta, dict):
        return
    for name in _CHAT_TEXTS:
        if isinstance(delta.get(name), str):
            yield Delta((*channel, "delta", name), (*path, name), delta[name])
        elif isinstance(delta.get(name), list):
            yield from _parts(delta[name], (*channel, "delta", name), (*path, name))
    calls = delta.get("tool_calls")
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            key = (*channel, "call", _number(call.get("index"), position))
            yield Delta(key, (*path, "tool_calls", position, "function", "arguments"), function["arguments"])
    function = delta.get("function_call")
    if isinstance(function, dict) and isinstance(function.get("arguments"), str):
        yield Delta((*channel, "call"), (*path, "function_call", "arguments"), function["arguments"])


def _parts(parts: list[Any], channel: Channel, path: Path) -> Iterator[Delta]:
    for position, part in enumerate(parts):
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield Delta((*channel, position), (*path, position, "text"), part["text"])


def _gemini(candidates: list[Any]) -> Event:
    deltas, ends = [], []
    for position, candidate in enumerate(candidates):
        content = candidate.get("content") if isinstance(candidate, dict) else None
        channel: Channel = ("candidate", position)
        parts = content.get("parts") if isinstance(content, dict) else None
        if isinstance(parts, list):
            deltas += list(_parts(parts, channel, ("candidates", position, "content", "parts")))
        if isinstance(candidate, dict) and candidate.get("finishReason") is not None:
            ends.append(channel)
    return Event(tuple(deltas), tuple(ends))


def _ollama(event: Mapping[str, Any]) -> Event:
    message = event.get("message")
    deltas = []
    if isinstance(event.get("response"), str):
        deltas.append(Delta(("ollama", "response"), ("response",), event["response"]))
    for name in ("content", "thinking"):
        if isinstance(message, dict) and isinstance(message.get(name), str):
            deltas.append(Delta(("ollama", name), ("message", name), message[name]))
    return Event(tuple(deltas), ((),) if event["done"] else ())


def _typed(event: Mapping[str, Any], kind: str) -> Event:
    """Events that say what they are: `response.output_text.delta`, `content-delta`, `text-delta`, `ping`."""
    if "audio" in kind and "transcript" not in kind:  # base64 that clients decode event by event
        return PASSING
    delta = event.get("delta")
    if isinstance(delta, str):
        labels = [
            _label(event.get(name)) for name in ("id", "item_id", "output_index", "content_index", "summary_index")
        ]
        return Event((Delta(("typed", kind, *labels), ("delta",), delta),))
    if kind.endswith("delta") and isinstance(delta, dict):
        texts = [item for item in _strings(delta, ("delta",)) if item[0][-1] in _PIECE_NAMES | {"arguments"}]
        channel: Channel = ("typed", kind, _label(event.get("index")))
        return Event(tuple(Delta((*channel, *path), path, text) for path, text in texts))
    if kind in _PASSING_TYPES or kind.endswith(_PASSING_ENDINGS):
        return PASSING
    if kind.startswith("response.") or kind.lower().endswith(_ENDS):
        return ENDS_ALL
    return _guess(event)


def _guess(event: Mapping[str, Any]) -> Event:
    """One string that is named like a piece, or the only one that is no label. Everything else ends what was open."""
    texts = [(path, text) for path, text in _strings(event, ()) if path[-1] not in _LABEL_NAMES]
    pieces = [item for item in texts if item[0][-1] in _PIECE_NAMES] or texts
    if len(pieces) != 1:
        return ENDS_ALL
    path, text = pieces[0]
    labels = sorted(f"{at}={label}" for at, label in texts if at != path)
    return Event((Delta((LOOSE, *path, *labels), path, text),))


def _strings(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    """All strings of a document; at most 8 levels deep, which is more than any event needs."""
    if isinstance(value, str):
        yield path, value
    elif len(path) < 8 and isinstance(value, dict):
        for key, member in value.items():
            yield from _strings(member, (*path, key))
    elif len(path) < 8 and isinstance(value, list):
        for index, member in enumerate(value):
            yield from _strings(member, (*path, index))


def _number(value: object, default: int = 0) -> int:
    return value if isinstance(value, int) else default


def _label(value: object) -> str | int:
    return value if isinstance(value, str | int) else ""
