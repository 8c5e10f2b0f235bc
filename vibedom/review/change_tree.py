"""The tree of changes: danger first, then the project's directories, each filled when it is opened."""

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from vibedom.review.outline import MOST_CHILDREN, Item, Outline
from vibedom.workspace.changes import ancestors
from vibedom.workspace.selection import Selection
from vibedom.workspace.spelling import visible

_BOXES = {"all": "[x] ", "some": "[~] ", "none": "[ ] "}
_KINDS = {"added": "A", "modified": "M", "deleted": "D", "mode": "m", "type": "T"}
_STYLES = {"added": "green", "deleted": "red", "mode": "yellow", "type": "yellow", "modified": ""}

Node = TreeNode[Item | None]


class ChangeTree(Tree[Item | None]):
    """A node's data is its line of the outline; None for headings and for "more"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "app.mark", show=False),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("right,l", "open", show=False),
        Binding("left,h", "close", show=False),
    ]

    def __init__(self, outline: Outline, selection: Selection) -> None:
        super().__init__("changes", id="changes")
        self._outline, self._selection = outline, selection
        self.show_root = False
        self.guide_depth = 2

    def on_mount(self) -> None:
        dangerous = self._outline.dangerous()
        if dangerous:
            title = Text(f"{len(dangerous)} deserve a look first", style="bold red")
            section = self.root.add(title, data=None, expand=True)
            self._fill(section, dangerous)
        self._fill(self.root, self._outline.children(""))
        self.root.expand()
        self.focus()
        self.call_after_refresh(self._stand_on_first)

    def action_open(self) -> None:
        if self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.expand()

    def action_close(self) -> None:
        """Close the directory, or go to the one that this is in."""
        node = self.cursor_node
        if node is not None and node.allow_expand and node.is_expanded:
            node.collapse()
        elif node is not None and node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)

    def _stand_on_first(self) -> None:
        first = self.root.children[0] if self.root.children else None
        if first is not None:
            self.move_cursor(first.children[0] if first.data is None and first.children else first)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Item | None]) -> None:
        node = event.node
        if node.data is not None and not node.children:
            self._fill(node, self._outline.children(node.data.path))

    def _fill(self, node: Node, items: list[Item], start: int = 0) -> None:
        for item in items[start : start + MOST_CHILDREN]:
            node.add(self.label_of(item), data=item, allow_expand=item.is_directory)
        if len(items) > start + MOST_CHILDREN:
            left = len(items) - start - MOST_CHILDREN
            node.add_leaf(Text(f"… {left} more: Enter shows them", style="dim"), data=None)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Item | None]) -> None:
        """Enter on "more"."""
        node = event.node
        above = node.parent
        if node.data is not None or above is None or node.allow_expand:
            return
        if above is self.root:
            items = self._outline.children("")
        else:
            items = self._outline.children(above.data.path) if above.data is not None else self._outline.dangerous()
        at = sum(child.data is not None for child in above.children)
        node.remove()
        self._fill(above, items, at)

    def label_of(self, item: Item) -> Text:
        """Box, kind, name, and for a danger its reason. Nothing raw of what the agent wrote."""
        state = self._outline.state(item, self._selection)
        label = Text(_BOXES[state], style=Style(bold=state != "none"))
        name = visible(item.name) + ("/" if item.is_directory else "")
        if item.change is not None:
            label.append(f"{_KINDS[item.change.kind]} ", style="dim")
            label.append(name, style=_STYLES[item.change.kind])
        else:
            label.append(name)
        reasons = self._outline.reasons(item.path)
        if (
            reasons
            and item.change is not None
            and any(danger.severity != "low" for danger in self._outline.review.dangers[item.path])
        ):
            label.append(f"  ! {visible(reasons)}", style="red")
        if self._selection.resolutions.get(item.path):
            label.append(f"  conflict: {self._selection.resolutions[item.path]}", style="yellow")
        return label

    def relabel(self) -> None:
        """After the selection has changed: every node that is there."""
        pending: list[Node] = list(self.root.children)
        while pending:
            node = pending.pop()
            if node.data is not None:
                node.set_label(self.label_of(node.data))
            pending.extend(node.children)

    def reveal(self, path: str) -> None:
        """Open the directories above `path` and stand on it."""
        node: Node = self.root
        for step in (*ancestors(path), path):
            if node is not self.root and not node.children and node.data is not None:
                self._fill(node, self._outline.children(node.data.path))
            node.expand()
            child = next((each for each in node.children if each.data is not None and each.data.path == step), None)
            if child is None:  # below "more"
                child = node.add(self.label_of(self._outline.item(step)), data=self._outline.item(step))
            node = child
        self.call_after_refresh(self.move_cursor, node)
