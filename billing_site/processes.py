"""Linux process facts: dying with one's parent."""

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dies_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn`: the kernel will send the child `number` when this process (its thread) ends.

    A no-op where prctl does not exist (macOS): there only the orderly shutdown ends the children.
    """
    parent = os.getpid()

    def between_fork_and_exec() -> None:
        prctl = getattr(_libc, "prctl", None)
        if prctl is None:
            return
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            os.kill(os.getpid(), number)

    return between_fork_and_exec


def die_with_my_parent(number: int = signal.SIGTERM) -> None:
    """The same for this process itself."""
    prctl = getattr(_libc, "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
