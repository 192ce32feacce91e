from __future__ import annotations

from hypothesis import settings

# What takes long on a busy machine is no fault of the parser under test.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
