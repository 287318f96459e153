"""The answers to the Node client are held against the description too."""

from tests.api.conftest import _answers_are_as_described

__all__ = ["_answers_are_as_described"]
