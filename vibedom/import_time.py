"""Imports without the garbage collector, which would look through all modules again and again for nothing to free."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Around imports of much: a tenth faster. What they made is never looked at again. Not nested."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
