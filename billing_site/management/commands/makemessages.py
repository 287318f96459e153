"""Collect the words to translate into locale/ and the catalogues of the rooms that bring their own."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from billing_site.words import LANGUAGES, collect_words, unsaid_words


class Command(BaseCommand):
    """In the place of Django's: that one does not know whose words a template's are, and needs GNU gettext."""

    help = "Writes the message catalogues anew from the sources, every translation kept; says what has no French yet."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        root = settings.BASE_DIR
        for path, content in collect_words(root).items():
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self.stdout.write(f"{path.relative_to(root)}: written")
        for language in LANGUAGES:
            for english in unsaid_words(root, language):
                self.stdout.write(f"{language}: no word yet for “{english}”")
