"""Tenants and people, for staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from merchants.models import BillingEntity, File, FileLink, Membership, Merchant, User
from merchants.staff import ReadOnlyAdmin, ReadOnlyInline, StaffAdmin


class NewUserForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class MembershipInline(ReadOnlyInline):
    model = Membership
    fields = ("merchant", "role", "created")
    select_related = ("merchant",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """People log in by e-mail; the user name that Django wants follows it."""

    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    readonly_fields = ("id", "last_login", "date_joined")
    filter_horizontal = ("groups", "user_permissions")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("id", "email", "password", "first_name", "last_name", "locale")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return super().get_inlines(request, obj) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        obj.username = obj.email
        super().save_model(request, obj, form, change)


@admin.register(Merchant)
class MerchantAdmin(StaffAdmin):
    """Merchants are made whole (entity, number series, policy) by their use case, never row by row here."""

    list_display = ("name", "id", "livemode", "country", "default_currency", "timezone", "gateway", "created")
    list_filter = ("livemode", "country", "default_currency", "gateway")
    search_fields = ("id__exact", "name", "support_email")
    list_select_related = ("parent",)
    # What every amount and period depends on is fixed once the merchant bills.
    readonly_fields = ("parent", "livemode", "default_currency", "timezone")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BillingEntity)
class BillingEntityAdmin(StaffAdmin):
    """Finalized invoices keep the seller as it was; a change is for the next ones."""

    list_display = ("legal_name", "merchant", "city", "country", "is_default", "created")
    list_filter = (("merchant", AutocompleteSelectFilter), "country")
    search_fields = ("id__exact", "legal_name", "merchant__name")
    list_select_related = ("merchant",)
    readonly_fields = ("merchant", "is_default")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(StaffAdmin):
    list_display = ("user", "merchant", "role", "created")
    list_filter = (("merchant", AutocompleteSelectFilter), "role")
    search_fields = ("user__email", "merchant__name")
    list_select_related = ("user", "merchant")
    autocomplete_fields = ("user", "merchant")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        if not change:
            obj.created = obj.recorded_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(File)
class FileAdmin(ReadOnlyAdmin):
    """What was uploaded, by name; the bytes are the merchant's own."""

    list_display = ("filename", "id", "purpose", "size", "merchant", "expires_at", "created")
    list_filter = ("purpose", ("merchant", AutocompleteSelectFilter))
    search_fields = ("id__exact", "filename", "merchant__id__exact")
    list_select_related = ("merchant",)
    exclude = ("content",)


@admin.register(FileLink)
class FileLinkAdmin(ReadOnlyAdmin):
    """Whoever has the address has the file: it is not shown."""

    list_display = ("id", "file", "merchant", "expires_at", "created")
    list_filter = (("merchant", AutocompleteSelectFilter),)
    search_fields = ("id__exact", "file__id__exact", "merchant__id__exact")
    list_select_related = ("file", "merchant")
    exclude = ("token",)
