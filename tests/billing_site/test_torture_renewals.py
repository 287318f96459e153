"""The renewal run under torture, at a small size; and a careless run, which must be caught.

`manage.py torture renewals --rows 60000 --workers 3 --kills 30` is the same at full size.
"""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from invoicing.models import Invoice

pytestmark = pytest.mark.django_db(transaction=True)


def tortured(*options: str) -> dict:
    out = StringIO()
    call_command("torture", "renewals", "--json", *options, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().strip().splitlines()[-1])


@pytest.mark.slow
def test_every_period_is_billed_once_whatever_is_killed():
    told = tortured("--rows", "3000", "--workers", "2", "--kills", "6")
    assert told["broken"] == []
    assert (told["ok"], told["kills"], told["postmaster_kills"]) == (True, 6, 2)
    assert told["killed_in_a_transaction"] > 0
    assert not Invoice.objects.exists()  # in a database of its own


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "seen"),
    [
        # Billed and not moved on; or billed again, which uniqueness stops, and so refused.
        ("advance-apart", ("every subscription moved on", "nobody is refused")),
        ("number-from-a-sequence", ("numbers run from 1 without a gap",)),
        ("uniqueness-dropped", ("every item billed exactly once",)),
    ],
)
def test_a_careless_run_is_caught(bug, seen):
    told = tortured("--rows", "600", "--workers", "2", "--kills", "4", "--seed-bug", bug)
    assert told["ok"]
    assert any(text.startswith(seen) for text in told["broken"]), told


def test_a_bug_of_the_payments_is_none_of_the_renewals():
    with pytest.raises(CommandError, match="advance-apart"):
        tortured("--seed-bug", "new-key-on-retry")
