"""The notebook libraries, loaded without what they never use."""

from __future__ import annotations

import sys

__all__ = ["load_notebook_tools"]

ADDRESSES = "rfc3987_syntax"


def load_notebook_tools() -> None:
    """Load nbformat, and with it jsonschema, as if ``rfc3987_syntax`` were not installed.

    jsonschema loads that package when it finds it, and 38 grammars of web addresses are then compiled: some three seconds at each start of a
    run, for the formats ``iri`` and ``iri-reference``, which no notebook has. When jsonschema is loaded already, nothing is changed.
    """
    if "jsonschema" in sys.modules or ADDRESSES in sys.modules:
        return
    sys.modules[ADDRESSES] = None  # type: ignore[assignment]  # its import fails meanwhile, as jsonschema allows
    try:
        import nbformat  # noqa: F401
    finally:
        del sys.modules[ADDRESSES]
