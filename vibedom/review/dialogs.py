"""Questions over the review: a yes or no, a conflict's four ways out, a search, the keys."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

KEYS = """\
 up down j k     move                    tab          to the diff and back
 left right h l  close, open; in the diff: shift long lines
 space           (un)select the file or directory; in the diff: the hunk
 a               select everything (but not what is held back)
 n               select nothing
 /               search in names and content; N or F3 goes on
 [ ]             previous, next hunk
 t               side by side, or unified
 A               apply what is selected
 ? F1            these keys
 q               leave, nothing is applied"""


class Question(ModalScreen[str]):
    """Ends with one of `answers` (single keys), or "" for Escape. Anything else is no answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "answer('')", "back")]

    def __init__(self, title: str, lines: tuple[str, ...], answers: str) -> None:
        super().__init__()
        self._title, self._text = title, lines
        for key in answers:
            name = {" ": "space", "?": "question_mark"}.get(key, key)
            self._bindings.bind(name, f"answer({key!r})")

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(Text(self._title, style="bold"))
            yield Static(Text("\n".join(self._text)))

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


class SearchBox(ModalScreen[str]):
    """Ends with the text, "" for Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back")]

    def compose(self) -> ComposeResult:
        yield Input(placeholder="search in names and content", classes="search")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        self.dismiss("")
