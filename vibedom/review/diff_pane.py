"""Draws one change: side by side where there is room, unified where there is not. Only what is visible is drawn."""

from typing import ClassVar, Literal

import msgspec
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vibedom.workspace.file_diff import FileDiff
from vibedom.workspace.rows import Row, hunk_rows, hunk_title, unified_lines
from vibedom.workspace.selection import Selection

WIDE_COLUMNS = 90
"""From here on both sides fit beside each other."""
SHIFT_COLUMNS = 20
_NUMBER_COLUMNS = 6

Mark = Literal["same", "removed", "added", "title", "note"]
_STYLES: dict[Mark, Style] = {
    "same": Style(),
    "removed": Style(color="red"),
    "added": Style(color="green"),
    "title": Style(color="cyan"),
    "note": Style(color="yellow"),
}


class Line(msgspec.Struct, frozen=True):
    """One drawn line: its hunk (None above the first), and one or two cells of (mark, number, text)."""

    hunk: int | None
    cells: tuple[tuple[Mark, str, str], ...]


class DiffPane(ScrollView, can_focus=True):
    """The change that the tree stands on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next hunk", show=False),
        Binding("up,k", "move(-1)", "previous hunk", show=False),
        Binding("right,l", "shift(1)", "right", show=False),
        Binding("left,h", "shift(-1)", "left", show=False),
    ]

    class HunkToggled(Message):
        """The user has (un)selected a hunk."""

    def __init__(self, selection: Selection) -> None:
        super().__init__(id="diff")
        self._selection = selection
        self._lines: list[Line] = []
        self._notes: tuple[str, ...] = ()
        self.diff: FileDiff | None = None
        self.hunk = 0
        self._shift = 0
        self._is_wide: bool | None = None

    @property
    def is_wide(self) -> bool:
        """Side by side: as the user wants it, else where there is room."""
        return self.size.width >= WIDE_COLUMNS if self._is_wide is None else self._is_wide

    def switch_columns(self) -> None:
        """From side by side to unified, or back."""
        self._is_wide = not self.is_wide
        self._layout_lines()

    def show(self, diff: FileDiff | None, notes: tuple[str, ...] = ()) -> None:
        """Show this change; None is an empty pane. `notes` stand above it, safe to print."""
        self.diff, self._notes, self.hunk, self._shift = diff, notes, 0, 0
        self.scroll_to(0, 0, animate=False)
        self._layout_lines()

    def on_resize(self) -> None:
        self._layout_lines()

    def toggle(self) -> None:
        """(Un)select the hunk that the cursor is on."""
        if self.diff is None:
            return
        is_wanted = not self._selection.has_hunk(self.diff.path, self.hunk)
        self._selection.choose_hunk(self.diff, self.hunk, is_wanted=is_wanted)
        self.refresh()
        self.post_message(self.HunkToggled())

    def action_move(self, step: int) -> None:
        """To the next or previous hunk, or by a screen where there is only one."""
        count = len(self.diff.hunks) if self.diff is not None else 0
        wanted = self.hunk + step
        if not 0 <= wanted < count:
            self.scroll_relative(y=step * max(1, self.size.height - 2), animate=False)
            return
        self.hunk = wanted
        at = next(number for number, line in enumerate(self._lines) if line.hunk == wanted)
        self.scroll_to(y=max(0, at - 1), animate=False)
        self.refresh()

    def action_shift(self, step: int) -> None:
        """Show what is further right of long lines."""
        self._shift = max(0, self._shift + step * SHIFT_COLUMNS)
        self.refresh()

    def _layout_lines(self) -> None:
        self._lines = [Line(None, (("note", "", note),)) for note in self._notes]
        diff = self.diff
        if diff is not None and diff.obstacle:
            self._lines.append(Line(None, (("note", "", diff.obstacle),)))
        for number, hunk in enumerate(diff.hunks if diff is not None else ()):
            self._lines.append(Line(number, (("title", "", hunk_title(hunk)),)))
            if diff is None:
                continue
            if self.is_wide:
                self._lines += [Line(number, _cells(row)) for row in hunk_rows(diff, hunk)]
            else:
                marks: dict[str, Mark] = {" ": "same", "-": "removed", "+": "added"}
                self._lines += [Line(number, ((marks[mark], mark, text),)) for mark, text in unified_lines(diff, hunk)]
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        at = y + self.scroll_offset.y
        width = self.size.width
        if at >= len(self._lines):
            return Strip.blank(width)
        line = self._lines[at]
        is_current = self.has_focus and line.hunk == self.hunk
        if line.cells[0][0] == "title":
            return Strip([self._title(line, width, is_current=is_current)])
        if len(line.cells) == 1:
            return Strip([self._cell(line.cells[0], width, columns=2)])
        half = (width - 1) // 2
        left, right = line.cells
        segments = [self._cell(left, half), Segment("│", Style(dim=True)), self._cell(right, width - half - 1)]
        return Strip(segments)

    def _title(self, line: Line, width: int, *, is_current: bool) -> Segment:
        is_wanted = self.diff is not None and self._selection.has_hunk(self.diff.path, line.hunk or 0)
        text = f"[{'x' if is_wanted else ' '}] {line.cells[0][2]}"
        style = _STYLES["title"] + Style(reverse=is_current, bold=is_wanted)
        return Segment(set_cell_size(text, width), style)

    def _cell(self, cell: tuple[Mark, str, str], width: int, columns: int = _NUMBER_COLUMNS) -> Segment:
        mark, number, text = cell
        room = max(1, width - columns)
        shown = text.expandtabs(4)[self._shift :] if mark != "note" else text
        if cell_len(shown) > room:
            shown = set_cell_size(shown, room - 1) + "›"
        prefix = f"{number:>{columns - 1}} " if columns == _NUMBER_COLUMNS else f"{number:<{columns}}"
        return Segment(set_cell_size(prefix + shown, width), _STYLES[mark])


def _cells(row: Row) -> tuple[tuple[Mark, str, str], tuple[Mark, str, str]]:
    left: Mark = "same" if row.kind == "same" or row.old_number is None else "removed"
    right: Mark = "same" if row.kind == "same" or row.new_number is None else "added"
    return (left, str(row.old_number or ""), row.old), (right, str(row.new_number or ""), row.new)
