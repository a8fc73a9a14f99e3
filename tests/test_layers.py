"""The house stands: modules import only from floors below their own, and importing the package is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "mentorship_eval"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "resources" not in path.relative_to(PACKAGE).parts)

# floor -> what it may import from besides itself; an engine that imports another, or a figure that reaches for a model, is a mistake
ERRORS_ONLY = {"errors", "estimate", "lazy"}
BELOW_QUESTIONS = {*ERRORS_ONLY, "inference", "cohort", "survival", "did", "spc", "surveys", "economics", "forecasting", "matching"}
ALLOWED = {
    "errors": set(),
    "lazy": set(),
    "forking": set(),
    "estimate": {"errors"},
    "inference": ERRORS_ONLY,
    "cohort": {*ERRORS_ONLY, "inference"},
    "survival": {*ERRORS_ONLY, "inference"},
    "did": {*ERRORS_ONLY, "inference"},
    "spc": {*ERRORS_ONLY, "inference"},
    "surveys": {*ERRORS_ONLY, "inference"},
    "economics": ERRORS_ONLY,
    "forecasting": ERRORS_ONLY,
    "matching": ERRORS_ONLY,
    "questions": BELOW_QUESTIONS,
    "evidence": {*ERRORS_ONLY, "questions"},
    "disclosure": {*ERRORS_ONLY, "forking", "questions"},
    "display": {*ERRORS_ONLY, "questions", "disclosure"},
    "report": {*BELOW_QUESTIONS, "forking", "questions", "evidence", "disclosure", "display"},
    "cli": {*BELOW_QUESTIONS, "questions", "evidence", "disclosure", "display", "report"},
}
SLOW_TO_LOAD = {"matplotlib", "seaborn", "statsmodels", "lifelines", "scipy.stats", "jupyterlab", "papermill"}
LONGEST = 400


def floor_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST, module: Path) -> Iterator[str]:
    """Full names of what ``tree`` imports; relative imports made absolute, TYPE_CHECKING blocks included."""
    package = ["mentorship_eval", *module.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, [base, node.module or ""]))
            yield from (f"{source}.{name.name}" for name in node.names)


def own_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for name in imported(tree, path) if name.split(".")[0] == "mentorship_eval"}


def breaches(path: Path, names: set[str]) -> list[str]:
    floor = floor_of(path)
    found = []
    for name in sorted(names):
        parts = name.split(".")
        target = parts[1] if len(parts) > 1 else ""
        if target in ALLOWED and target != floor and target not in ALLOWED[floor]:
            found.append(name)
        if floor == "disclosure" and target == "questions" and parts[2:3] != ["answer"]:
            found.append(f"{name} (only questions.answer)")
    return found


def names_of(source: str, module: str) -> set[str]:
    return set(imported(ast.parse(source), PACKAGE / module))


# the front door names every floor, lazily
@pytest.mark.parametrize("path", [path for path in MODULES if path != PACKAGE / "__init__.py"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_floors_below(path):
    assert floor_of(path) in ALLOWED, "a new floor: give it its place in ALLOWED and in docs/architecture.md"
    assert not breaches(path, own_imports(path))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("survival/cox.py", "from mentorship_eval.did import fit"),
        ("survival/cox.py", "from mentorship_eval import did"),
        ("did/fit.py", "from ..cohort import panels"),
        ("did/fit.py", "def f():\n    import mentorship_eval.survival.columns"),
        ("display/curves.py", "from mentorship_eval.survival import cox"),
        ("cohort/read.py", "from mentorship_eval.questions.answer import Answer"),
        ("disclosure/protect.py", "from mentorship_eval.questions.retention.chapter import answer"),
        ("errors.py", "from .estimate import Estimate"),
    ],
)
def test_the_rule_notices_a_breach(module, source):
    assert breaches(PACKAGE / module, names_of(source, module))


def test_the_ground_floors_have_no_floor_above_them():
    order = list(ALLOWED)
    for floor, below in ALLOWED.items():
        assert all(order.index(other) < order.index(floor) for other in below), floor


@pytest.mark.parametrize("path", [p for p in MODULES if floor_of(p) == "display"], ids=lambda p: p.name)
def test_figures_never_fit_a_model(path):
    names = set(imported(ast.parse(path.read_text(encoding="utf-8")), path))
    assert not {name for name in names if name.split(".")[0] in {"statsmodels", "lifelines"} or name.startswith("scipy.optimize")}


# the front door names every floor, lazily
@pytest.mark.parametrize("path", [path for path in MODULES if path != PACKAGE / "__init__.py"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_heavy_is_imported_with_a_module(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = ast.Module(body=[n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], type_ignores=[])
    heavy = {n for n in imported(top, path) if any(n == s or n.startswith(s + ".") for s in SLOW_TO_LOAD)}
    assert not heavy, f"{path.name} loads {heavy} at import: move the import into the function"


# the front door names every floor, lazily
@pytest.mark.parametrize("path", [path for path in MODULES if path != PACKAGE / "__init__.py"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_importing_the_package_loads_nothing_heavy():
    code = "import mentorship_eval, sys; print(*sorted({'numpy', 'pandas', 'matplotlib', 'scipy', 'pydantic', 'click'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_help_loads_no_analysis():
    code = (
        "import sys\nfrom mentorship_eval.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('loaded:', *sorted({'numpy', 'pandas', 'matplotlib', 'scipy', 'nbclient'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_every_public_name_can_be_fetched():
    import mentorship_eval

    for name in mentorship_eval.__all__:
        assert getattr(mentorship_eval, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        mentorship_eval.nonsense  # noqa: B018
