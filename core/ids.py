"""Ids in Stripe's style that sort by creation, and secrets.

An id is a prefix, an underscore and a UUIDv7 (RFC 9562) as 22 base62 digits: `sub_01K…`. The digits are in
ASCII order and the width is fixed, so in C collation text order is time order. Ids are names, not secrets.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
import time
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_BASE2 = 62**2
_BASE10 = 62**10

ID_WIDTH = 22  # 62**22 > 2**128

_PREFIX = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
# 2**128 - 1 begins with "7", so a larger first digit is no UUID.
_TAIL = re.compile(r"[0-7][0-9A-Za-z]{21}")

_TAIL_BITS = 74  # what UUIDv7 leaves free beside the time, the version and the variant
_RANDOM_POOL_BYTES = 4096


class InvalidIdPrefix(ValueError):
    """A prefix is lower-case letters and digits, words joined by single underscores (`sub`, `cs_test`)."""


class _Clockwork:
    """Hands out UUIDv7 numbers that only grow within this process.

    Within a millisecond, and when the wall clock is set back, the next number is the last one plus a random
    step (RFC 9562, 6.2, method 2). Two processes stay apart by their random tails.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything, lock included: a forked child must not repeat its parent's numbers."""
        self.lock = threading.Lock()
        self._ms = -1
        self._tail = 0
        self._pool = b""
        self._used = 0

    def next(self) -> int:
        """The next number as a 128-bit int. The caller holds the lock."""
        ms = time.time_ns() // 1_000_000
        if ms > self._ms:
            self._ms = ms
            # One bit below full, so that there is room to count upwards.
            self._tail = int.from_bytes(self._random(10), "big") >> (80 - _TAIL_BITS + 1)
        else:
            self._tail += 1 + int.from_bytes(self._random(4), "big")
            if self._tail >> _TAIL_BITS:
                self._ms += 1
                self._tail = int.from_bytes(self._random(8), "big")
        high = self._tail >> 62
        low = self._tail & ((1 << 62) - 1)
        return (self._ms << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low

    def _random(self, size: int) -> bytes:
        """`size` random bytes, from a pool: asking the kernel each time would cost more than the id."""
        if self._used + size > len(self._pool):
            self._pool = os.urandom(_RANDOM_POOL_BYTES)
            self._used = 0
        self._used += size
        return self._pool[self._used - size : self._used]


_clockwork = _Clockwork()
os.register_at_fork(after_in_child=_clockwork.restart)

_checked_prefixes: set[str] = set()


def new_id(prefix: str) -> str:
    """A new id: "sub" -> "sub_" and 22 base62 digits. Later ids of this process sort later.

    Safe over threads and after a fork. Raises `InvalidIdPrefix`.
    """
    _check_prefix(prefix)
    with _clockwork.lock:
        number = _clockwork.next()
    return f"{prefix}_{_base62(number)}"


def new_ids(prefix: str, n: int) -> list[str]:
    """`n` new ids, in ascending order. Raises `InvalidIdPrefix`, `ValueError` when n is negative."""
    if n < 0:
        raise ValueError(f"cannot make {n} ids")
    _check_prefix(prefix)
    with _clockwork.lock:
        numbers = [_clockwork.next() for _ in range(n)]
    return [f"{prefix}_{_base62(number)}" for number in numbers]


def first_id_at(prefix: str, milliseconds: int) -> str:
    """No id that was made from this moment on (since 1970) sorts before it: ids can be asked for by time."""
    _check_prefix(prefix)
    return f"{prefix}_{_base62(milliseconds << 80)}"


def id_prefix(value: str) -> str:
    """What stands before the last underscore: "sub_sched_0R9…" -> "sub_sched"; "" when there is none."""
    return value.rpartition("_")[0]


def is_id(value: str, prefix: str) -> bool:
    """Whether `value` has the shape of an id with exactly this prefix; says nothing of its existence."""
    head, _, tail = value.rpartition("_")
    return head == prefix and _TAIL.fullmatch(tail) is not None


def new_secret(nbytes: int = 32) -> str:
    """A URL-safe random token from `nbytes` of the kernel's randomness; at least 16. Raises `ValueError`."""
    if nbytes < 16:
        raise ValueError(f"a secret of {nbytes} bytes can be guessed")
    return secrets.token_urlsafe(nbytes)


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret, 64 hex digits: what is stored, so that a leaked database opens nothing.

    Plain and unsalted on purpose: it is looked up by its value, and `new_secret` cannot be guessed. Never for
    a password that a person chose.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_prefix(prefix: str) -> None:
    if prefix in _checked_prefixes:
        return
    if not _PREFIX.fullmatch(prefix):
        raise InvalidIdPrefix(repr(prefix))
    _checked_prefixes.add(prefix)


def _base62(number: int) -> str:
    """128 bits as 22 digits: the upper 12 change about once a millisecond, so they are kept."""
    upper, lower = divmod(number, _BASE10)
    lower, fifth = divmod(lower, _BASE2)
    lower, fourth = divmod(lower, _BASE2)
    lower, third = divmod(lower, _BASE2)
    first, second = divmod(lower, _BASE2)
    tail = _PAIRS[first] + _PAIRS[second] + _PAIRS[third] + _PAIRS[fourth] + _PAIRS[fifth]
    return _upper_digits(upper) + tail


@lru_cache(maxsize=16)
def _upper_digits(number: int) -> str:
    pairs = [""] * 6
    for index in range(5, -1, -1):
        number, pair = divmod(number, _BASE2)
        pairs[index] = _PAIRS[pair]
    return "".join(pairs)
