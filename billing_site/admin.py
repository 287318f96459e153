"""The staff admin as a whole: one login for all, and pages for what has no room of its own above `merchants`.

The outbox lies below the people (DESIGN: floor 0), and the libraries' own pages either show secrets or look foreign:
theirs are replaced by read-only ones.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import CompositePrimaryKey, Model
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin

from events.models import ConsumedAhead, ConsumerCursor, Event, HeldEvent, ObjectVersion
from merchants.staff import ReadOnlyAdmin, plain_page

# The accounts' login, with its rate limits and second factor, is the only one.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.index_title = "Ostinato"

# Keys, secrets and raw bodies of the processor's mirror are nobody's reading.
_STRIPE_HIDDEN = frozenset({"APIKey", "WebhookEndpoint", "WebhookEventTrigger", "IdempotencyKey"})


def _take_over(module: str, *models: type[Model]) -> None:
    """Let a library register its pages, then take these away."""
    import_module(module)
    for model in models:
        if admin.site.is_registered(model):
            admin.site.unregister(model)


_take_over("django.contrib.auth.admin", Group)
_take_over("allauth.account.admin", EmailAddress)
_take_over("allauth.mfa.admin", Authenticator)
_take_over("django_q.admin", Success, Failure, Schedule, OrmQ)
_take_over("djstripe.admin.admin", *apps.get_app_config("djstripe").get_models())


# --- the outbox ---


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("type", "object_id", "object_version", "customer_id", "actor", "merchant_id", "created")
    search_fields = ("id__exact", "merchant_id__exact", "object_id__exact", "customer_id__exact", "type__exact")
    exclude = ("xid",)


@admin.register(ObjectVersion)
class ObjectVersionAdmin(ReadOnlyAdmin):
    list_display = ("object_id", "version", "merchant_id", "recorded_at")
    search_fields = ("id__exact", "merchant_id__exact", "object_id__exact")


@admin.register(ConsumerCursor)
class ConsumerCursorAdmin(ReadOnlyAdmin):
    list_display = ("consumer", "xid", "event_id", "recorded_at")
    search_fields = ("consumer",)


@admin.register(HeldEvent)
class HeldEventAdmin(ReadOnlyAdmin):
    list_display = ("consumer", "event_id", "object_id", "attempts", "error", "retry_at", "recorded_at")
    search_fields = ("consumer__exact", "event_id__exact", "object_id__exact", "merchant_id__exact", "error")


@admin.register(ConsumedAhead)
class ConsumedAheadAdmin(ReadOnlyAdmin):
    list_display = ("consumer", "event_id", "merchant_id")
    search_fields = ("consumer__exact", "event_id__exact", "merchant_id__exact")


# --- accounts ---


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    ordering = ("name",)
    fields = ("name", "permissions")


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    search_fields = ("email", "user__email")
    list_select_related = ("user",)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Second factors, without their secrets. Deleting one lets a person who lost it in again."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)
    list_select_related = ("user",)
    exclude = ("data",)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.has_perm("mfa.delete_authenticator"))


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What staff changed here."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag", "change_message")
    list_filter = ("action_flag",)
    search_fields = ("user__email", "object_id__exact", "object_repr")
    list_select_related = ("user", "content_type")


# --- background work ---


class TaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "func", "group", "started", "stopped", "attempt_count")
    list_filter = ("cluster",)
    search_fields = ("id__exact", "name__exact", "func", "group__exact")
    ordering = ("-started",)

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).defer("args", "kwargs", "result")


admin.site.register(Success, TaskAdmin)
admin.site.register(Failure, TaskAdmin)


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """`ensure_schedules` writes them anew at each start; what is due lives in our own tables."""

    list_display = ("name", "func", "schedule_type", "minutes", "next_run")
    search_fields = ("name", "func")


@admin.register(OrmQ)
class QueueAdmin(ReadOnlyAdmin):
    list_display = ("id", "key", "lock", "name")
    list_filter = ("key",)
    search_fields = ("key__exact",)
    fields = ("key", "lock")


# --- the processor's mirror ---


def _register_mirror() -> None:
    for model in apps.get_app_config("djstripe").get_models():
        if model.__name__ in _STRIPE_HIDDEN:
            continue
        names = {field.name for field in model._meta.concrete_fields}
        shown = [name for name in ("id", "livemode", "created", "djstripe_updated") if name in names]
        searched = ["id__exact"] if "id" in names else []
        page = type(f"{model.__name__}Admin", (ReadOnlyAdmin,), {"list_display": shown, "search_fields": searched})
        admin.site.register(model, page)


_register_mirror()


# --- tables of ours without a page of their own: billing_site comes last of our apps, so all others have spoken ---


def _register_the_rest() -> None:
    for app in settings.OUR_APPS:
        for model in apps.get_app_config(app).get_models():
            # A partitioned table has a key of several columns, which Django's admin cannot show.
            if not admin.site.is_registered(model) and not isinstance(model._meta.pk, CompositePrimaryKey):
                admin.site.register(model, plain_page(model))


_register_the_rest()
