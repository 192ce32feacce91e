"""Cases of admission, and two judges for them: the real Kyverno CLI and modelpack.

A case is data (`case.py`): policies, what is admitted, exceptions, and the verdict.
What the registry holds is a shelf of models, each signed in its own way (`shelf.py`),
that the documents of a case name as `${signed}`.
"""
