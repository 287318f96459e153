"""Provinces and states where an address needs one from a list."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _, pgettext_lazy

CANADA: tuple[tuple[str, str | Promise], ...] = (
    ("AB", _("Alberta")),
    ("BC", _("British Columbia")),
    ("MB", _("Manitoba")),
    ("NB", _("New Brunswick")),
    ("NL", _("Newfoundland and Labrador")),
    ("NS", _("Nova Scotia")),
    ("NT", _("Northwest Territories")),
    ("NU", _("Nunavut")),
    ("ON", _("Ontario")),
    ("PE", _("Prince Edward Island")),
    ("QC", _("Quebec")),
    ("SK", _("Saskatchewan")),
    ("YT", _("Yukon")),
)
# fmt: off
UNITED_STATES: tuple[tuple[str, str | Promise], ...] = (
    ("AL", "Alabama"), ("AK", "Alaska"), ("AZ", "Arizona"), ("AR", "Arkansas"), ("CA", "California"),
    ("CO", "Colorado"), ("CT", "Connecticut"), ("DE", "Delaware"), ("DC", "District of Columbia"), ("FL", "Florida"),
    ("GA", "Georgia"), ("HI", "Hawaii"), ("ID", "Idaho"), ("IL", "Illinois"), ("IN", "Indiana"), ("IA", "Iowa"),
    ("KS", "Kansas"), ("KY", "Kentucky"), ("LA", "Louisiana"), ("ME", "Maine"), ("MD", "Maryland"),
    ("MA", "Massachusetts"), ("MI", "Michigan"), ("MN", "Minnesota"), ("MS", "Mississippi"), ("MO", "Missouri"),
    ("MT", "Montana"), ("NE", "Nebraska"), ("NV", "Nevada"), ("NH", "New Hampshire"), ("NJ", "New Jersey"),
    ("NM", "New Mexico"), ("NY", "New York"), ("NC", "North Carolina"), ("ND", "North Dakota"), ("OH", "Ohio"),
    ("OK", "Oklahoma"), ("OR", "Oregon"), ("PA", "Pennsylvania"), ("PR", "Puerto Rico"), ("RI", "Rhode Island"),
    ("SC", "South Carolina"), ("SD", "South Dakota"), ("TN", "Tennessee"), ("TX", "Texas"), ("UT", "Utah"),
    ("VT", "Vermont"), ("VA", "Virginia"), ("WA", "Washington"), ("WV", "West Virginia"), ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
)
AUSTRALIA: tuple[tuple[str, str | Promise], ...] = (
    ("ACT", "Australian Capital Territory"), ("NSW", "New South Wales"), ("NT", "Northern Territory"),
    ("QLD", "Queensland"), ("SA", "South Australia"), ("TAS", "Tasmania"), ("VIC", "Victoria"),
    ("WA", "Western Australia"),
)
# fmt: on
REGIONS: dict[str, tuple[tuple[str, str | Promise], ...]] = {
    "CA": CANADA,
    "US": UNITED_STATES,
    "AU": AUSTRALIA,
}
_REGION_WORDS: dict[str, str | Promise] = {
    "CA": _("Province or territory"),
    "US": pgettext_lazy("of the United States", "State"),
    "AU": _("State or territory"),
}
_POSTAL_WORDS: dict[str, str | Promise] = {"US": _("ZIP code"), "GB": _("Postcode"), "AU": _("Postcode")}


def region_choices(country: str) -> tuple[tuple[str, str | Promise], ...]:
    """(code, name) pairs; empty where an address names its region freely or not at all."""
    return REGIONS.get(country, ())


def region_word(country: str) -> str | Promise:
    return _REGION_WORDS.get(country, _("State or province"))


def postal_word(country: str) -> str | Promise:
    return _POSTAL_WORDS.get(country, _("Postal code"))
