"""The third pass: notebooks run through papermill, a few at a time, and normalised."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mentorship_eval.report.kernel import KERNEL
from mentorship_eval.report.normalise import normalise
from mentorship_eval.report.parameters import NOTEBOOKS, notebook_folder

__all__ = ["NotebookFailure", "execute_chapters", "execute_notebook"]


class NotebookFailure(RuntimeError):
    """A notebook of ours did not run through: our own failure, not the data's."""


def execute_notebook(name: str, parameters: Mapping[str, str], work: Path) -> Any:
    """Run one notebook of the package and return it normalised.

    parameters: all text, so that nothing is turned into a number on the way. work: where papermill keeps its copy.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    odd = [key for key, value in parameters.items() if not isinstance(value, str)]
    if odd:
        raise TypeError(f"parameters must be text: {', '.join(odd)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = papermill.execute_notebook(
                notebook_folder() / f"{name}.ipynb", work / f"{name}.ipynb", parameters=dict(parameters), kernel_name=KERNEL,
                language="python", progress_bar=False, start_timeout=120, request_save_on_cell_execute=False,
            )  # fmt: skip
    except PapermillExecutionError as error:
        raise NotebookFailure(f"notebook {name}, cell {error.exec_count}: {error.ename}: {error.evalue}") from error
    return normalise(notebook)


def execute_chapters(
    chapters: Sequence[str], parameters: Mapping[str, str], work: Path, *, jobs: int, progress: Callable[[str], Any]
) -> dict[str, Any]:
    """The notebooks of ``chapters``, executed ``jobs`` at a time.

    Threads, not processes: the kernels are processes of their own, and all that happens here is waiting for them.
    """
    logging.getLogger("papermill").setLevel(logging.ERROR)

    def one(chapter: str) -> Any:
        notebook = execute_notebook(NOTEBOOKS[chapter], parameters, work)
        progress(f"showed {chapter}")
        return notebook

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = {chapter: pool.submit(one, chapter) for chapter in chapters}
        try:
            return {chapter: future.result() for chapter, future in futures.items()}
        except BaseException:
            for future in futures.values():
                future.cancel()
            raise
