"""Settings that every test shares."""

import os

from hypothesis import settings

# A deadline would time the machine, not the code. In CI the examples are the same in
# every run, so that a red run is red again when it is looked at; elsewhere they are
# new each time and the failing ones are kept in .hypothesis/.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
