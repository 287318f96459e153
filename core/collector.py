"""The collector of reference cycles kept out of work that would only be walked by it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """For work that makes many objects which live until its end: the collector would walk them again and again, a
    quarter of the time, and find nothing. What they leave is freed by counting, as always."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
