"""The full-screen review: the tree on the left, the change on the right, and nothing applied before it is confirmed."""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static, Tree

from vibedom.errors import VibedomError
from vibedom.review.change_tree import ChangeTree
from vibedom.review.dialogs import KEYS, Question, SearchBox
from vibedom.review.diff_pane import DiffPane
from vibedom.review.outline import Item, Outline
from vibedom.workspace.file_diff import FileDiff
from vibedom.workspace.merge_text import can_merge, has_markers, merge_text
from vibedom.workspace.plan import Plan, Refusal
from vibedom.workspace.review import Review
from vibedom.workspace.selection import Resolution, Selection
from vibedom.workspace.spelling import visible

MOST_LISTED = 12
Editor = Callable[[bytes, str], bytes]
_WAYS: dict[str, Resolution] = {"m": "mine", "t": "theirs", "s": "skip"}


class Decision(msgspec.Struct, frozen=True):
    """What the user wants done: a plan without conflicts, and what they decided against for good."""

    plan: Plan
    settled: tuple[str, ...]


class ReviewApp(App[Decision]):
    """Ends with a `Decision`, or None where nothing is to be applied. Touches no file."""

    CSS = """
    #changes { width: 40%; min-width: 24; border-right: solid $primary; scrollbar-size-horizontal: 0; }
    #diff { width: 1fr; }
    #status { height: 1; background: $panel; }
    .dialog { width: 80%; max-height: 80%; height: auto; border: thick $warning; padding: 1 2; background: $surface; }
    Question, SearchBox { align: center middle; }
    .search { width: 60%; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "select"),
        Binding("a", "all", "all"),
        Binding("n", "none", "none"),
        Binding("slash", "search", "search"),
        Binding("f3,N", "search_again", "next", show=False),
        Binding("right_square_bracket", "hunk(1)", show=False),
        Binding("left_square_bracket", "hunk(-1)", show=False),
        Binding("t", "columns", "columns", show=False),
        Binding("A", "apply", "apply"),
        Binding("question_mark,f1", "keys", "keys"),
        Binding("q", "leave", "quit"),
        # Handled before the next key is given to whatever had the focus until now: who types fast means the hunk.
        Binding("tab", "focus_next", show=False, priority=True),
    ]

    def __init__(self, review: Review, *, title: str, editor: Editor, has_typed_ahead: bool = False) -> None:
        """`has_typed_ahead`: keys were thrown away before; keys that come before the first screen are, too."""
        super().__init__()
        self.is_drawn, self._has_typed_ahead = False, has_typed_ahead
        self._review, self._editor = review, editor
        self.selection = Selection(review)
        self.outline = Outline(review)
        self._heading = visible(title)
        self._sought = ""
        self._diff = DiffPane(self.selection)
        self._tree = ChangeTree(self.outline, self.selection)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._tree
            yield self._diff
        yield Static(id="status")

    def on_mount(self) -> None:
        self._tell()
        self.call_after_refresh(self._drawn)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not self.is_drawn:
            self._has_typed_ahead = True
            return
        await super().on_event(event)

    def _drawn(self) -> None:
        self.is_drawn = True
        if self._has_typed_ahead:
            self._tell("keys pressed before this was shown were ignored   ? keys  q quit")

    def _tell(self, text: str = "") -> None:
        count = f"{len(self.selection.paths)} of {len(self._review.changes)} selected"
        keys = "space mark  a all  n none  / search  A apply  ? keys  q quit"
        line = text or f"{self._heading}  {count}   {keys}"
        self.query_one("#status", Static).update(Text(line, no_wrap=True, overflow="ellipsis"))

    # what the tree stands on is shown beside it

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item | None]) -> None:
        item = event.node.data
        if item is None or item.change is None:
            self._diff.show(None)
        else:
            self._read(item)

    @work(thread=True, exclusive=True)
    def _read(self, item: Item) -> None:
        try:
            diff = self.selection.diff(item.path)
        except (OSError, VibedomError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            diff = FileDiff(
                path=item.path, host=None, old=None, new=None, obstacle=visible(f"cannot be read: {reason}")
            )
        self.call_from_thread(self._show, item, diff)

    def _show(self, item: Item, diff: FileDiff) -> None:
        reasons = self.outline.reasons(item.path)
        change = item.change
        notes = [visible(item.path), *([f"! {visible(reasons)}"] if reasons else [])]
        if change is not None and change.new is not None and change.new.type == "symlink":
            notes.append(f"link to {visible(change.new.target)}")
        if change is not None and change.old and change.new and change.old.bits != change.new.bits:
            notes.append(f"mode {change.old.bits:04o} -> {change.new.bits:04o}")
        self._diff.show(diff, tuple(notes))

    # selecting

    def action_mark(self) -> None:
        if self._diff.has_focus:
            self._diff.toggle()
            return
        node = self._tree.cursor_node
        if node is None or node.data is None:
            return
        paths = self.outline.below(node.data)
        is_wanted = self.outline.state(node.data, self.selection) != "all"
        self.selection.choose(paths, is_wanted=is_wanted)
        self._selected()

    def on_diff_pane_hunk_toggled(self) -> None:
        self._selected()

    def action_all(self) -> None:
        """What is held back is selected by itself only, one by one."""
        dangers = self._review.dangers
        paths = [change.path for change in self._review.changes]
        safe = [path for path in paths if not any(each.is_held_back for each in dangers.get(path, ()))]
        self.selection.choose(safe, is_wanted=True)
        self._selected()

    def action_none(self) -> None:
        self.selection.choose([change.path for change in self._review.changes], is_wanted=False)
        self._selected()

    def _selected(self) -> None:
        self._tree.relabel()
        self._diff.refresh()
        self._tell()

    # looking around

    def action_hunk(self, step: int) -> None:
        self._diff.action_move(step)

    def action_columns(self) -> None:
        self._diff.switch_columns()

    def action_keys(self) -> None:
        self.push_screen(Question("keys", tuple(KEYS.splitlines()), " q?"))

    def action_leave(self) -> None:
        self.exit(None)

    @work
    async def action_search(self) -> None:
        text = await self.push_screen_wait(SearchBox())
        if text:
            self._sought = text
            self._seek()

    def action_search_again(self) -> None:
        if self._sought:
            self._seek()

    @work(thread=True, exclusive=True, group="search")
    def _seek(self) -> None:
        node = self._tree.cursor_node
        start = node.data.path if node is not None and node.data is not None else ""
        found = next(self.outline.search(self._sought, start, content=self._holds), None)
        if found is None:
            self.call_from_thread(self._tell, f"nothing holds {visible(self._sought)}")
        else:
            self.call_from_thread(self._tree.reveal, found)

    def _holds(self, path: str) -> bool:
        """Whether a shown line of the change holds what is sought."""
        try:
            diff = self.selection.diff(path)
        except (OSError, VibedomError):
            return False
        wanted = self._sought.casefold()
        for hunk in diff.hunks:
            lines = (*diff.shown_old[hunk.old_start : hunk.old_end], *diff.shown_new[hunk.new_start : hunk.new_end])
            if any(wanted in line.casefold() for line in lines):
                return True
        return False

    # applying

    @work
    async def action_apply(self) -> None:
        """Ask about conflicts, then dangers, then once more; leave with what was agreed to."""
        try:
            decision = await self._agreed()
        except (OSError, VibedomError) as error:
            self._tell(visible(str(error)))
            return
        if decision is not None:
            self.exit(decision)

    async def _agreed(self) -> Decision | None:
        plan = self.selection.plan()
        for conflict in plan.conflicts:
            if not await self._resolved(conflict):
                self._selected()
                return None
        plan = self.selection.plan() if plan.conflicts else plan
        if plan.held_back:
            lines = (*_listed(plan.held_back), "", "y: apply these, too   n: leave them out   Esc: back")
            answer = await self.push_screen_wait(Question("Something on this machine could run this", lines, "yn"))
            if not answer:
                return None
            if answer == "y":
                plan = self.selection.plan(include_dangerous=[each.path for each in plan.held_back])
        settled = tuple(self.selection.settled_by_mine)
        if not plan.steps and not settled:
            self._tell("nothing is selected, so nothing is applied")
            return None
        needed = f", {len(plan.required)} of them because others need them" if plan.required else ""
        lines = (*_listed(plan.skipped), "y: apply   n: back")
        title = f"Apply {len(plan.steps)} changes{needed}? `vibedom undo` takes them back."
        answer = await self.push_screen_wait(Question(title, lines, "yn"))
        return Decision(plan, settled) if answer == "y" else None

    async def _resolved(self, conflict: Refusal) -> bool:
        diff = self.selection.diff(conflict.path)
        ways = ["m: mine, the project's file stays", "t: theirs, the agent's file replaces it"]
        ways += ["e: merge both in your editor"] if can_merge(diff) else []
        ways += ["s: skip, and offer it again", "Esc: back"]
        title = f"Conflict: {visible(conflict.path)} {conflict.reason}"
        answers = "mtes" if can_merge(diff) else "mts"
        answer = await self.push_screen_wait(Question(title, tuple(ways), answers))
        if answer == "e":
            return self._is_merged(diff)
        if answer:
            self.selection.resolve(conflict.path, _WAYS[answer])
        return bool(answer)

    def _is_merged(self, diff: FileDiff) -> bool:
        with self.suspend():
            content = self._editor(merge_text(diff), diff.path)
        if has_markers(content):
            self._tell("the markers are still in it; nothing was taken")
            return False
        self.selection.edit(diff, content)
        return True


def _listed(refusals: tuple[Refusal, ...]) -> list[str]:
    lines = [f"{visible(each.path)}: {visible(each.reason)}" for each in refusals[:MOST_LISTED]]
    more = len(refusals) - MOST_LISTED
    return [*lines, *([f"and {more} more"] if more > 0 else [])]
