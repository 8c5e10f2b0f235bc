"""What a review shows: generated trees in one line, dangers always, and the paths a user means."""

from pathlib import Path

import pytest

from vibedom.workspace.changes import Change
from vibedom.workspace.danger import Danger
from vibedom.workspace.review import Fold, folded_view, is_selected, relative_path


def _change(path: str) -> Change:
    return Change(path=path, kind="added", old=None, new=None)


def test_generated_directory_with_many_changes_folds_and_one_with_few_does_not() -> None:
    many = [_change(f"web/node_modules/{number}/index.js") for number in range(21)]
    few = [_change("build/a.o"), _change("src/a.c")]
    assert folded_view([*many, *few], {}) == [Fold("web/node_modules", tuple(many)), *few]


def test_what_is_dangerous_never_folds_but_gits_own_data_always_does() -> None:
    hook, index, objects = _change(".git/hooks/pre-commit"), _change(".git/index"), _change(".git/objects/ab/cd")
    own = Danger(reason="git's own", severity="low", needs_yes=True)
    dangers = {
        hook.path: [Danger(reason="git runs it", severity="critical", is_auto_run=True)],
        index.path: [own],
        objects.path: [own],
    }
    assert folded_view([hook, index, objects], dangers) == [hook, Fold(".git", (index, objects))]


@pytest.mark.parametrize(
    ("text", "current", "path"),
    [
        ("src/a", "/w", "src/a"),
        ("a", "/w/src", "src/a"),
        ("../b", "/w/src", "b"),
        (".", "/w", ""),
        ("/w/src", "/elsewhere", "src"),
        ("src/./x//y/", "/elsewhere", "src/x/y"),
        ("/etc/passwd", "/w", "../etc/passwd"),
    ],
)
def test_paths_are_meant_from_where_the_user_is(text: str, current: str, path: str) -> None:
    assert relative_path(text, workspace=Path("/w"), current=Path(current)) == path


def test_a_path_selects_itself_and_what_is_below_it_only() -> None:
    assert [is_selected(path, ("src",)) for path in ("src", "src/a/b", "src2", "a/src")] == [True, True, False, False]
