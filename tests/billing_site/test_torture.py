"""Payments under torture, at a small size: killed workers, lost answers, lying webhooks; and bugs that must be caught.

`manage.py torture payments --attempts 2000` is the same at full size.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from billing_site.torture import audit
from billing_site.torture.bugs import BUGS
from billing_site.torture.runs import torture_here
from engine.services import resolve, sending
from payments.models import Charge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SMALL = 150


@pytest.fixture
def bugs_leave_with_the_test(monkeypatch):
    for module, name in [(resolve, "_look_up"), (sending, "intent_key"), (sending, "_confirm_all")]:
        monkeypatch.setattr(module, name, getattr(module, name))


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_charged_twice_nothing_is_lost_and_nothing_stays_unknown(seed):
    result = torture_here(attempts=SMALL, seed=seed)
    assert result["broken"] == []
    assert result["invariants_ok"]
    assert result["attempts"] >= SMALL
    # It did hurt.
    assert sum(result["faults"].values()) > 20
    assert result["taken"] > 50
    assert min(result["refunds"], result["webhooks"], result["forgeries"]) > 0
    assert result["unexpected_errors"] == 0


@pytest.mark.parametrize("bug", sorted(BUGS))
def test_a_seeded_bug_is_caught(bug, bugs_leave_with_the_test):
    result = torture_here(attempts=SMALL, seed=1, bug=bug)
    assert not result["invariants_ok"]
    assert result["double_charges"] + result["lost_payments"] > 0


def test_the_audit_sees_what_was_taken_and_forgotten(bugs_leave_with_the_test, monkeypatch):
    """The check itself is checked: one charge that we deny is one payment lost."""
    compared = []

    def compare(theirs):
        charge = Charge.objects.filter(status="succeeded").first()
        Charge.objects.filter(id=charge.id).update(status="failed")
        compared.append(audit.compare(theirs))
        return compared[0]

    monkeypatch.setattr("billing_site.torture.runs.compare", compare)
    torture_here(attempts=30, seed=3)
    assert len(compared[0]["lost_payments"]) == 1


def test_the_command_uses_no_database_but_its_own():
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "billing_site.settings",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nowhere",
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(settings.VAR_DIR),
        "SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "torture", "payments", "--attempts", "20", "--json"],
        cwd=Path(settings.BASE_DIR),
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert (done.returncode, result["invariants_ok"], result["ok"]) == (0, True, True), done.stderr[-2000:]
