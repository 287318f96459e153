"""What the benchmarks print: one table of all of them, one list of one."""

import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from billing_site.benchmarks.runs import Figures
from billing_site.management.commands import bench

RENEWALS = Figures("renewals", 20_000, 2, 4.0, 5000.0, 6.12, 1.5, 170, ceiling_per_second=10_000, ratio=0.5)
RELAY = Figures("relay", 20_000, 2, 2.0, 10_000.0, 3.0, 0.5, 99, detail={"delivered_per_second": 40_000.0})


@pytest.fixture(autouse=True)
def _measured(monkeypatch):
    monkeypatch.setattr(bench, "BENCHMARKS", {"renewals": lambda size: RENEWALS, "relay": lambda size: RELAY})


def test_all_of_them_are_one_table(capsys):
    call_command("bench", "all")
    heading, renewals, relay = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["benchmark", "rows", "workers", "seconds"]
    assert renewals.split() == [
        "renewals",
        "20,000",
        "2",
        "4.0",
        "5,000.0",
        "10,000",
        "0.50",
        "6.1",
        "1.5",
        "170",
        "0",
        "ok",
    ]
    assert relay.split() == [
        "relay",
        "20,000",
        "2",
        "2.0",
        "10,000.0",
        "-",
        "-",
        "3.0",
        "0.5",
        "99",
        "0",
        "ok",
        "delivered_per_second",
        "40000",
    ]
    assert heading.index("rows") + 4 == renewals.index("20,000") + 6  # figures stand under their heading's end


def test_as_json_they_are_one_object(capsys):
    call_command("bench", "all", "--json")
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["benchmark"] for one in found["benchmarks"]] == ["renewals", "relay"]


def test_a_broken_invariant_fails_and_is_named(capsys, monkeypatch):
    monkeypatch.setitem(bench.BENCHMARKS, "relay", lambda size: replace(RELAY, invariants_ok=False, broken=("two",)))
    with pytest.raises(CommandError, match="relay: two"):
        call_command("bench", "all")
    assert "BROKEN" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [["--rows", "0"], ["--workers", "0"], ["--chunk-size", "0"], ["--stored", "-1"]])
def test_what_measures_nothing_is_refused(asked):
    with pytest.raises(CommandError, match="at least 1"):
        call_command("bench", "all", *asked)
