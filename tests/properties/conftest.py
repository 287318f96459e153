"""Hypothesis for the whole folder: no deadlines (a busy machine is no failure), a modest number of examples.

`HYPOTHESIS_PROFILE=thorough` looks twenty times as long.
"""

import os

from hypothesis import settings

settings.register_profile("modest", deadline=None, max_examples=100)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "modest"))
