"""environment.yml from pyproject.toml: the same dependencies under their names on conda-forge.

``python tools/conda_environment.py`` writes the file; tests/test_dependencies.py holds it to what this makes.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]

# Every name on PyPI that pyproject.toml may use in environment.yml, and what conda-forge calls it. A
# dependency that is not in here stops `make lock`: look the name up rather than guess it.
CONDA_NAMES = {
    "click": "click",
    "hypothesis": "hypothesis",
    "ipykernel": "ipykernel",
    "jinja2": "jinja2",
    "jupyterlab": "jupyterlab",
    "lifelines": "lifelines",
    "matplotlib": "matplotlib-base",  # without the Qt window system, which a report never opens
    "nbclient": "nbclient",
    "nbconvert": "nbconvert-core",  # without pandoc and LaTeX
    "nbformat": "nbformat",
    "networkx": "networkx",
    "numpy": "numpy",
    "openpyxl": "openpyxl",
    "packaging": "packaging",
    "pandas": "pandas",
    "papermill": "papermill",
    "pillow": "pillow",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic",
    "pypandoc-binary": "pypandoc",  # pandoc itself comes as a package of its own
    "pytest": "pytest",
    "pyyaml": "pyyaml",
    "scipy": "scipy",
    "seaborn": "seaborn-base",  # without statsmodels, which is named on its own
    "sqlalchemy": "sqlalchemy",
    "statsmodels": "statsmodels",
    "threadpoolctl": "threadpoolctl",
    "tqdm": "tqdm",
    "typst": "typst-py",  # typst there is the program, not the library
}

# Of the test tools only these: a researcher can then run the tests that need no browser.
TEST_TOOLS = ("hypothesis", "pytest")


def project() -> dict:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def conda_line(requirement: str) -> str:
    """``matplotlib>=3.9`` -> ``matplotlib-base>=3.9``; KeyError for a name that is not in the table."""
    parsed = Requirement(requirement)
    name = parsed.name.lower()
    if name not in CONDA_NAMES:
        raise KeyError(f"{name} has no name on conda-forge yet: add it to CONDA_NAMES in tools/conda_environment.py")
    # conda reads the specifiers in order; sorting keeps the file the same from run to run
    return CONDA_NAMES[name] + ",".join(sorted((str(s) for s in parsed.specifier), reverse=True))


def environment_yml(pyproject: dict | None = None) -> str:
    """The whole text of environment.yml."""
    declared = (pyproject or project())["project"]
    tools = [r for r in declared["optional-dependencies"]["test"] if Requirement(r).name.lower() in TEST_TOOLS]
    lines = [conda_line(r) for r in [*declared["dependencies"], *tools]]
    head = [
        "# Made from pyproject.toml by `make lock`; change that file, not this one.",
        "# The package itself is installed after it, from this folder:",
        "#   conda env create -f environment.yml",
        "#   conda activate mentorship-eval",
        "#   python -m pip install --no-deps .",
        f"name: {declared['name']}",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        f"  - python{declared['requires-python']}",
        "  - pip",
    ]
    return "\n".join([*head, *(f"  - {line}" for line in sorted(lines))]) + "\n"


def main() -> None:
    (ROOT / "environment.yml").write_text(environment_yml(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
