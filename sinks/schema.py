"""JSON Schemas of what is written: a line of the audit log and an alert, made from the structs."""

from typing import Any

import msgspec

from pipeline.events import Record
from sinks.alert import ALERT_SCHEMA_VERSION, Alert
from sinks.line import SCHEMA_VERSION

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FRAME: Schema = {
    "schema_version": {"const": SCHEMA_VERSION},
    "seq": {"type": "integer", "minimum": 1},
    "session": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}


def line_schema() -> Schema:
    """Of one line of `network.jsonl`: the record and what the log puts around it."""
    schema = _schema(Record)
    schema["title"] = "Line of network.jsonl"
    schema["properties"] = {**_FRAME, **schema["properties"]}
    schema["required"] = [*_FRAME, *schema["required"]]
    return schema


def alert_schema() -> Schema:
    """Of one line of `alerts.jsonl`, and of each alert a webhook or command gets."""
    schema = _schema(Alert)
    schema["title"] = "Alert"
    schema["properties"]["schema_version"] = {"const": ALERT_SCHEMA_VERSION}
    return schema


def _schema(kind: type) -> Schema:
    """The struct's schema at the top and the structs it uses under `$defs`."""
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own: Schema = definitions.pop(reference["$ref"].rpartition("/")[2])
    own.pop("description", None)
    for definition in definitions.values():
        definition.pop("description", None)
    return {"$schema": _DIALECT, **own, **({"$defs": definitions} if definitions else {})}
