"""The three kinds of page: a list, a detail, an act. Nouns fill in what differs."""

import csv
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import messages
from django.db import router
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views import View
from django_tables2 import RequestConfig

from core.context import Context
from core.errors import OstinatoError
from core.reading import reading_for_reports
from dashboard.access import ScopedMixin
from dashboard.actions import FIELD, TokenMissing, new_action_token, spend_action_token
from dashboard.filters.base import ListFilter
from dashboard.nav import nav_for
from dashboard.paging import CappedPaginator
from dashboard.tables.base import ListTable
from dashboard.views.edge import context_of, show_error

PER_PAGE = 25
Text = str | Promise


class Page(ScopedMixin, View):
    """Anything with the sidebar around it."""

    template = ""

    def render(self, template: str = "", status: int = 200, **context: Any) -> TemplateResponse:
        context |= {"scope": self.scope, "view": self, "nav": nav_for(self.scope, self.request.path)}
        return TemplateResponse(self.request, template or self.template, context, status=status)

    @property
    def merchant_id(self) -> str:
        return self.scope.merchant.pk


class ListPage(Page):
    """Search, filter, sort, page, CSV; htmx replaces only the table."""

    template = "dashboard/list.html"
    table: ClassVar[type[ListTable]]
    filter: ClassVar[type[ListFilter]]
    title: ClassVar[Text] = ""
    subtitle: ClassVar[Text] = ""
    filename: ClassVar[str] = "list"
    empty_icon: ClassVar[str] = "inbox"
    empty_title: ClassVar[Text] = ""
    empty_text: ClassVar[Text] = ""
    create_url: ClassVar[str] = ""  # url name
    create_label: ClassVar[Text] = ""
    create_capability: ClassVar[Any] = None

    def rows(self) -> QuerySet:
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponseBase:
        filterset = self.filter(request.GET, queryset=self.rows())
        found = filterset.qs.distinct() if self.filter.search_fields and "q" in request.GET else filterset.qs
        if request.GET.get("format") == "csv":
            return self.csv(found.order_by("-created", "-pk") if self.has_created(found) else found.order_by("pk"))
        table = self.table(found, exclude=self.hidden_columns())
        RequestConfig(
            request, paginate={"per_page": PER_PAGE, "silent": True, "paginator_class": CappedPaginator}
        ).configure(table)
        partial = request.htmx and not request.htmx.boosted and request.htmx.target == "list"  # type: ignore[attr-defined]
        return self.render(
            "dashboard/_list.html" if partial else self.template,
            table=table,
            filter=filterset,
            filtered=any(value for name, value in request.GET.items() if name not in ("sort", "page")),
            may_create=bool(self.create_url) and self.scope.may(self.create_capability),
            **self.extra(),
        )

    def hidden_columns(self) -> tuple[str, ...]:
        """Columns that this member does not see."""
        return ()

    def extra(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def has_created(rows: QuerySet) -> bool:
        return any(field.name == "created" for field in rows.model._meta.get_fields())

    def csv(self, rows: QuerySet) -> StreamingHttpResponse:
        with reading_for_reports():  # the whole list, where there is a copy of it
            rows = rows.using(router.db_for_read(rows.model))
        writer = csv.writer(_Echo())

        def lines() -> Iterator[str]:
            yield "\ufeff"  # spreadsheets then read it as UTF-8
            for row in self.table.as_csv_rows(rows):
                yield writer.writerow(row)

        stamp = timezone.now().strftime("%Y-%m-%d")
        headers = {"Content-Disposition": f'attachment; filename="{self.filename}-{stamp}.csv"'}
        return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=headers)


class _Echo:
    """A file that gives back what is written to it: one CSV line at a time, nothing kept."""

    def write(self, value: str) -> str:
        return value


class DetailPage(Page):
    """One object: facts, related lists, timeline, actions."""

    def rows(self) -> QuerySet:
        raise NotImplementedError

    def facts(self, found: Any) -> dict[str, Any]:
        return {}

    def get(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        found = get_object_or_404(self.rows(), pk=pk)
        return self.render(object=found, **self.facts(found))


class ActPage(Page):
    """A form that acts once: a dialog when htmx asks for it, else a page; errors come back beside their fields."""

    template = "dashboard/act.html"
    form: ClassVar[type[Form]] = Form
    title: ClassVar[Text] = ""
    text: ClassVar[Text] = ""
    button: ClassVar[Text] = ""
    danger: ClassVar[bool] = False
    done: ClassVar[Text] = ""  # the toast; an act may set its own `message`
    object: Any  # what `load` found: each act's own model

    def load(self, **kwargs: str) -> Any:
        return None

    def clock_id(self) -> str | None:
        """The test clock that what is acted on lives on."""
        return getattr(self.object, "test_clock_id", None)

    def initial(self) -> dict[str, Any]:
        return {}

    def form_kwargs(self) -> dict[str, Any]:
        return {}

    def perform(self, ctx: Context, form: Form) -> str:
        """Call one use case; gives the address to go to."""
        raise NotImplementedError

    def back_url(self) -> str:
        raise NotImplementedError

    def context(self, form: Form) -> dict[str, Any]:
        return {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.message: Text = self.done
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        self.object = self.load(**kwargs)
        return self.show(self.form(initial=self.initial(), **self.form_kwargs()))

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        self.object = self.load(**kwargs)
        form = self.form(request.POST, request.FILES, initial=self.initial(), **self.form_kwargs())
        if not form.is_valid():
            return self.show(form, status=422)
        try:
            key = spend_action_token(request.POST.get(FIELD, ""), str(request.user.pk))
        except TokenMissing:
            form.add_error(None, _("This page is too old. Please send it once more."))
            return self.show(form, status=422)
        if key is None:
            messages.info(request, _("This was sent already, and it was done once."))
            return HttpResponseRedirect(self.back_url())
        try:
            url = self.perform(context_of(request, self.scope, clock_id=self.clock_id(), key=key), form)
        except OstinatoError as error:
            show_error(form, error, getattr(self.object, "currency", ""))
            return self.show(form, status=422)
        if self.message:
            messages.success(request, str(self.message))
        return HttpResponseRedirect(url)

    def show(self, form: Form, status: int = 200) -> TemplateResponse:
        in_dialog = self.request.htmx and self.request.htmx.target == "dialog"  # type: ignore[attr-defined]
        return self.render(
            "dashboard/_act_dialog.html" if in_dialog else self.template,
            status=status,
            form=form,
            object=self.object,
            action_token=new_action_token(str(self.request.user.pk)),
            back_url=self.back_url(),
            **self.context(form),
        )


class FormPage(ActPage):
    """An act with a form long enough for a page of its own, laid out in sections."""

    template = "dashboard/form.html"
