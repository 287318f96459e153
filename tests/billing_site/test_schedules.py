"""What wakes the house up exists, and is in the table once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.module_loading import import_string
from django_q.models import Failure, Schedule, Success

from billing_site.schedules import PULSES, WAKES, ensure_schedules
from billing_site.tasks import prune_failed_tasks

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("func", [wake.func for wake in WAKES] + list(PULSES))
def test_every_wake_up_call_can_be_answered(func):
    assert callable(import_string(func))


@pytest.mark.django_db
def test_schedules_are_made_once_and_follow_the_list():
    ensure_schedules()
    Schedule.objects.filter(name="renew").update(minutes=99)
    ensure_schedules()
    assert sorted(Schedule.objects.values_list("name", "minutes")) == sorted((w.name, w.minutes) for w in WAKES)


@pytest.mark.django_db
def test_only_old_failures_are_pruned():
    for number, (days, success) in enumerate([(31, False), (29, False), (31, True)]):
        stopped = NOW - timedelta(days=days)
        kind = Success if success else Failure
        kind.objects.create(
            id=f"{number:032}", name=str(number), func="f", started=stopped, stopped=stopped, success=success
        )
    assert prune_failed_tasks(NOW) == 1
    assert Failure.objects.get().name == "1"
    assert Success.objects.get().name == "2"
