"""The committed notebooks: thin, stripped, one format."""

from __future__ import annotations

import ast
import json
import re

import pytest

from mentorship_eval.report.parameters import NOTEBOOKS
from tests.report.shared_run import ROOT

FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOGIC = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.ListComp, ast.DictComp, ast.SetComp,
         ast.GeneratorExp, ast.If, ast.Try, ast.With)  # fmt: skip


def test_there_is_a_notebook_per_chapter() -> None:
    assert [path.stem for path in FILES] == sorted(NOTEBOOKS.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_notebook_is_thin_stripped_and_in_one_format(path: object) -> None:
    import nbformat  # seconds, and all workers collect this file

    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    book = json.loads(text)
    assert text == json.dumps(book, indent=1, ensure_ascii=False) + "\n", "another layout of the file"
    nbformat.validate(nbformat.from_dict(book))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert book["cells"][0]["cell_type"] == "markdown"
    assert "".join(book["cells"][0]["source"]).startswith("# ")
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    tagged = [cell for cell in code if cell["metadata"].get("tags") == ["parameters"]]
    assert ["".join(cell["source"]) for cell in tagged] == ['cohort = "data/demo"']
    assert not any(set(cell["metadata"]) - {"tags"} for cell in book["cells"])
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]+", each) for each in ids), "ids are words, so that they never change"
    for cell in code:
        source = "".join(cell["source"])
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert len(source.splitlines()) <= 12
        tree = ast.parse(source)
        assert not [node for node in ast.walk(tree) if isinstance(node, LOGIC)], cell["id"]
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert all(isinstance(node, ast.ImportFrom) and node.module == "mentorship_eval" for node in imported)
