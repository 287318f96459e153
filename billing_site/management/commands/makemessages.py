"""Collect the words to translate (needs GNU gettext): into locale/, and into the rooms that bring their own."""

from typing import Any

from django.core.management.commands import makemessages

# The API speaks English; the words of portal, mails and paper are kept in those rooms' own catalogues.
IGNORED = [
    "tests/*",
    "var/*",
    "node_modules/*",
    ".venv/*",
    "api/*",
    "templates/portal/*",
    "templates/notifications/*",
    "templates/invoicing/*",
]


class Command(makemessages.Command):
    # A guess that looks like a translation is worse than none: new words come empty.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def handle(self, *args: Any, **options: Any) -> None:
        options["locale"] = options["locale"] or ["fr", "fr_CA"]
        options["add_location"] = "file"  # line numbers would change with every edit
        options["no_wrap"] = options["no_obsolete"] = True
        options["ignore_patterns"] += IGNORED
        super().handle(*args, **options)
