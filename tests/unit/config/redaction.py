"""Plain replacement of what an engine finds, without any reading of structure."""

from pipeline.scrubber.engine import MatchEngine


class Redaction:
    """Replaces findings in text by their placeholders."""

    def __init__(self, engine: MatchEngine) -> None:
        self._engine = engine

    def __call__(self, text: str) -> str:
        data = text.encode()
        parts, at = [], 0
        for span in self._engine.find(data):
            parts += [data[at : span.start], self._engine.rules[span.rule].placeholder]
            at = span.end
        return b"".join((*parts, data[at:])).decode()

    def rules(self, text: str) -> set[str]:
        """Ids of the rules that find something in `text`."""
        return {self._engine.rules[match.rule].id for match in self._engine.matches(text.encode())}
