"""Who made a key and who changed the invoices' numbers is told like any other fact."""

from api.models import ApiKey
from events.models import Event, ObjectVersion


def told(event_type: str) -> Event:
    return Event.objects.get(type=event_type)


def test_making_and_revoking_a_key_is_told_with_its_doer(desk) -> None:
    desk.post("api_key_new", name="Web shop")
    key = ApiKey.objects.get()
    desk.post("api_key_revoke", key.pk)

    actor = f"user:{desk.user.pk}"
    assert (told("api_key.created").actor, told("api_key.created").object_version) == (actor, 1)
    assert (told("api_key.revoked").actor, told("api_key.revoked").object_version) == (actor, 2)
    bodies = ObjectVersion.objects.filter(object_id=key.pk).values_list("body", flat=True)
    assert list(bodies) == [{"id": key.pk, "object": "api_key", "name": "Web shop", "hint": key.hint}] * 2


def test_a_key_is_revoked_once(desk) -> None:
    desk.post("api_key_new", name="Web shop")
    for _again in range(2):
        desk.post("api_key_revoke", ApiKey.objects.get().pk)

    assert Event.objects.filter(type="api_key.revoked").count() == 1
    assert "API key revoked" in desk.get("events").content.decode()
