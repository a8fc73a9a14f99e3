"""An executed notebook without what changes from run to run: times, durations, paths and random ids."""

from __future__ import annotations

from typing import Any

__all__ = ["normalise"]

_KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def normalise(notebook: Any) -> Any:
    """The notebook in place, and returned.

    papermill's own metadata go; its injected cell takes the place of the ``parameters`` cell, under that cell's fixed
    id; cells are counted from 1; of the language only its name stays.
    """
    notebook.metadata = type(notebook.metadata)(kernelspec=_KERNELSPEC, language_info={"name": "python"})
    cells: list[Any] = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            if cells and "parameters" in cells[-1].metadata.get("tags", []):
                cells[-1].source = cell.source.removeprefix("# Parameters\n")
            continue
        cell.metadata = type(cell.metadata)(tags=tags) if tags else type(cell.metadata)()
        cells.append(cell)
    count = 0
    for cell in cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            output.pop("transient", None)
            if "metadata" in output:
                output.metadata = type(output.metadata)()
            if output.output_type == "execute_result":
                output.execution_count = count
    notebook.cells = cells
    return notebook
