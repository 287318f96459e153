import os
import re
from multiprocessing import get_context

import pytest

from core import ids


def test_an_id_is_its_prefix_and_22_base62_digits():
    assert re.fullmatch(r"sub_[0-7][0-9A-Za-z]{21}", ids.new_id("sub"))


def test_an_id_is_a_uuid_of_version_7():
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in ids.new_id("in").removeprefix("in_"):
        number = number * 62 + alphabet.index(digit)
    assert (number >> 76) & 0xF == 7
    assert (number >> 62) & 0b11 == 0b10
    assert number >> 128 == 0


def test_ids_keep_sorting_when_the_wall_clock_is_set_back(monkeypatch):
    clockwork = ids._Clockwork()
    numbers = []
    for nanoseconds in (5_000_000, 5_000_000, 3_000_000, 6_000_000, 6_999_999):
        monkeypatch.setattr(ids.time, "time_ns", lambda now=nanoseconds: now)
        numbers.append(clockwork.next())
    assert numbers == sorted(set(numbers))
    assert [number >> 80 for number in numbers] == [5, 5, 5, 6, 6]


def test_ids_grow_even_where_the_random_step_is_zero(monkeypatch):
    monkeypatch.setattr(ids.time, "time_ns", lambda: 5_000_000)
    clockwork = ids._Clockwork()
    monkeypatch.setattr(clockwork, "_random", bytes)
    assert clockwork.next() < clockwork.next() < clockwork.next()


def test_a_millisecond_that_runs_out_of_numbers_borrows_the_next(monkeypatch):
    monkeypatch.setattr(ids.time, "time_ns", lambda: 5_000_000)
    clockwork = ids._Clockwork()
    first = clockwork.next()
    clockwork._tail = (1 << 74) - 1
    second = clockwork.next()
    assert second > first
    assert second >> 80 == 6


def _first_id(_: int) -> str:
    return ids.new_id("evt")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_forked_children_do_not_repeat_their_parent():
    ids.new_id("evt")
    with get_context("fork").Pool(4) as pool:
        made = pool.map(_first_id, range(200), chunksize=5)
    made.extend(ids.new_ids("evt", 200))
    assert len(set(made)) == 400


@pytest.mark.parametrize("prefix", ["", "Sub", "sub_", "_sub", "sub__x", "sub-x", "1sub", "süb"])
def test_an_unfit_prefix_is_refused(prefix):
    with pytest.raises(ids.InvalidIdPrefix):
        ids.new_id(prefix)


def test_ids_are_made_in_batches():
    assert ids.new_ids("il", 0) == []
    with pytest.raises(ValueError, match="-1"):
        ids.new_ids("il", -1)


@pytest.mark.parametrize(
    ("value", "prefix"), [("sub_sched_0R9", "sub_sched"), ("cus_1", "cus"), ("plain", ""), ("", "")]
)
def test_the_prefix_stands_before_the_last_underscore(value, prefix):
    assert ids.id_prefix(value) == prefix


def test_a_foreign_or_mangled_id_is_told_from_ours():
    made = ids.new_id("sub_sched")
    assert ids.is_id(made, "sub_sched")
    assert not ids.is_id(made, "sub")
    assert not ids.is_id(made[:-1], "sub_sched")
    assert not ids.is_id(made + "0", "sub_sched")
    assert not ids.is_id(made + "\n", "sub_sched")
    assert not ids.is_id("sub_sched_" + "z" * 22, "sub_sched")
    assert not ids.is_id("", "sub_sched")


def test_a_secret_is_long_and_its_hash_says_nothing_of_it():
    secret = ids.new_secret()
    assert len(secret) == 43  # 32 bytes in base64 without padding
    assert secret != ids.new_secret()
    assert ids.hash_secret(secret) == ids.hash_secret(secret)
    assert re.fullmatch(r"[0-9a-f]{64}", ids.hash_secret(secret))


def test_a_secret_that_can_be_guessed_is_refused():
    with pytest.raises(ValueError, match="guessed"):
        ids.new_secret(8)
