"""Importing the engine is cheap, and loads neither plotting nor other estimation libraries."""

from __future__ import annotations

import subprocess
import sys

from mentorship_eval import survival

HEAVY = ("scipy.stats", "matplotlib", "statsmodels", "lifelines", "seaborn")


def test_nothing_heavy_is_loaded() -> None:
    code = f"""
import sys
from mentorship_eval import survival
assert "pandas" not in sys.modules, "import survival should load nothing"
survival.cox, survival.kaplan_meier, survival.aalen_johansen, survival.logrank
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_public_names() -> None:
    assert set(survival.__all__) <= set(dir(survival))
    for name in survival.__all__:
        assert callable(getattr(survival, name))
    try:
        _ = survival.fraility
    except AttributeError as error:
        assert "fraility" in str(error)
    else:
        raise AssertionError("an unknown name must not be found")
