"""Event streams as the chat APIs send them, and what a client makes of them."""

import json
from collections.abc import Sequence
from typing import Any


def event(payload: object, name: str = "", end: str = "\n") -> bytes:
    field = f"event: {name}{end}" if name else ""
    return f"{field}data: {json.dumps(payload)}{end}{end}".encode()


def anthropic(pieces: Sequence[str], field: str = "text") -> list[bytes]:
    """A message with one block of `text`, `thinking` or `partial_json`."""
    kind = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}[field]
    deltas = [
        event({"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: piece}}, "content_block_delta")
        for piece in pieces
    ]
    return [
        event(
            {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": []}}, "message_start"
        ),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        *deltas[:1],
        event({"type": "ping"}, "ping"),
        *deltas[1:],
        event({"type": "content_block_stop", "index": 0}, "content_block_stop"),
        event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}}),
        event({"type": "message_stop"}, "message_stop"),
    ]


def chat_chunk(delta: dict[str, Any], reason: str | None = None, choice: int = 0) -> bytes:
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "gpt-x",
            "choices": [{"index": choice, "delta": delta, "finish_reason": reason}],
        }
    )


def openai_chat(pieces: Sequence[str]) -> list[bytes]:
    deltas = [chat_chunk({"content": piece}) for piece in pieces]
    return [chat_chunk({"role": "assistant", "content": ""}), *deltas, chat_chunk({}, "stop"), b"data: [DONE]\n\n"]


def openai_tool(pieces: Sequence[str]) -> list[bytes]:
    calls = [chat_chunk({"tool_calls": [{"index": 1, "function": {"arguments": piece}}]}) for piece in pieces]
    return [*calls, chat_chunk({}, "tool_calls"), b"data: [DONE]\n\n"]


def openai_responses(pieces: Sequence[str]) -> list[bytes]:
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    deltas = [
        event({"type": "response.output_text.delta", "sequence_number": n, **where, "delta": piece})
        for n, piece in enumerate(pieces)
    ]
    done = {"type": "response.output_text.done", **where, "text": "".join(pieces)}
    return [
        event({"type": "response.created", "response": {"id": "resp_1"}}),
        event({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}}),
        *deltas,
        event(done),
        event({"type": "response.completed", "response": {"output": [{"content": [{"text": "".join(pieces)}]}]}}),
    ]


def gemini(pieces: Sequence[str]) -> list[bytes]:
    return [
        event({"candidates": [{"content": {"parts": [{"text": piece}], "role": "model"}, **end}]}, end="\r\n")
        for piece, end in zip(pieces, [{}] * (len(pieces) - 1) + [{"finishReason": "STOP"}], strict=True)
    ]


def simple(pieces: Sequence[str]) -> list[bytes]:
    return [*(event({"type": "token", "text": piece}) for piece in pieces), event({"type": "done"})]


APIS = {
    "anthropic": anthropic,
    "anthropic thinking": lambda pieces: anthropic(pieces, "thinking"),
    "anthropic tool": lambda pieces: anthropic(pieces, "partial_json"),
    "openai chat": openai_chat,
    "openai tool": openai_tool,
    "openai responses": openai_responses,
    "gemini": gemini,
}

_TEXT_PATHS = [
    ("delta", "text"),
    ("delta", "thinking"),
    ("delta", "partial_json"),
    ("choices", 0, "delta", "content"),
    ("choices", 0, "delta", "tool_calls", 0, "function", "arguments"),
    ("candidates", 0, "content", "parts", 0, "text"),
    ("delta",),
]


def payloads(stream: bytes) -> list[Any]:
    """The decoded payloads of a stream's events; `[DONE]` and what is no JSON as text."""
    out: list[Any] = []
    for block in stream.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            text = b"\n".join(lines).decode()
            out.append(json.loads(text) if text[:1] in '{["' and text != "[DONE]" else text)
    return out


def text_of(stream: bytes) -> str:
    """What a chat client shows: the pieces of text put together."""
    texts = []
    for payload in payloads(stream):
        for path in _TEXT_PATHS:
            value = payload
            for step in path:
                if isinstance(value, dict):
                    value = value.get(step)
                else:
                    value = (
                        value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None
                    )
            if isinstance(value, str):
                texts.append(value)
    return "".join(texts)
