"""How results show themselves in a notebook."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil

import numpy as np
import pandas as pd
import pytest

from mentorship_eval.estimate import Caution
from mentorship_eval.inference.shown import Shown, as_html


def classes(package: str) -> list[type]:
    """Every class of the package that can say what it found."""
    root = importlib.import_module(f"mentorship_eval.{package}")
    modules = [importlib.import_module(module.name) for module in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")]
    found = {each for module in modules for _, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == module.__name__}
    return sorted((each for each in found if hasattr(each, "statement")), key=lambda each: each.__qualname__)


@pytest.mark.parametrize("package", ["survival", "did", "spc"])
def test_every_result_that_has_a_statement_shows_itself(package: str) -> None:
    found = classes(package)
    assert found
    assert [each.__qualname__ for each in found if not hasattr(each, "_repr_html_")] == []


class _Result(Shown):
    warnings = (Caution("few", "Few < many."),)
    table = pd.DataFrame({"term": ["<b>", "y"], "coef": [-0.25, math.inf], "p": [0.00002, math.nan], "n": [1, 2]})

    def statement(self) -> str:
        return "A < B."


def test_a_result_shows_its_sentence_its_table_and_its_cautions() -> None:
    html = _Result()._repr_html_()
    for words in ("<p>A &lt; B.</p>", "&lt;b&gt;", "−0.25", "∞", "&lt; 0.001", "–", "<li>Few &lt; many.</li>"):
        assert words in html, words
    assert "<b>" not in html


def test_a_long_table_is_folded_and_says_so() -> None:
    long = pd.DataFrame({"time": np.arange(300.0)})
    html = as_html("x", long)
    assert html.count("<tr") < 30
    assert "20 of 300 rows" in html
    assert "rows;" not in as_html("x", long.head(20))
