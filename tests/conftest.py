"""How hard Hypothesis tries: `quick`, or what `MULTIADDR_PROFILE` says: `thorough`, `million`.

No profile has a deadline: how long an example takes depends on the machine.
"""

import os
import signal

from hypothesis import HealthCheck, settings

# In CI the examples are the same each time, so that a failure is that of the change at hand.
settings.register_profile("quick", max_examples=100, deadline=None, derandomize="CI" in os.environ)
settings.register_profile("thorough", max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Of each of the 26 laws of `test_laws` and `test_accel`: over a million examples in all.
settings.register_profile("million", max_examples=40_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("MULTIADDR_PROFILE", "quick"))

# A shell lets what it starts in the background ignore SIGINT, and children would, too; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Doctests are looked for in every file, which imports it; these need a tool that the tests do not.
collect_ignore = ["mutation/module_level.py", "mutation/mutate.py"]
