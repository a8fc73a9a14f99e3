"""Kernels for a run: always the interpreter that runs us, in surroundings that change nothing.

A user's own kernel named python3 may point anywhere, a start-up file may import anything, and BLAS threads cost more
than they bring on small matrices; so a run brings its own kernel definition and its own empty IPython folder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["KERNEL", "kernel_variables", "surroundings", "write_kernel"]

KERNEL = "python3"


def write_kernel(folder: Path) -> Path:
    """A Jupyter data folder whose kernel python3 is the running interpreter."""
    place = folder / "jupyter" / "kernels" / KERNEL
    place.mkdir(parents=True, exist_ok=True)
    definition = {
        # the log level: a kernel's own notices are no news to a reader
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=50"],
        "display_name": "Python 3",
        "language": "python",
    }
    (place / "kernel.json").write_text(json.dumps(definition), encoding="utf-8")
    return folder / "jupyter"


def kernel_variables(private: Path) -> dict[str, str]:
    """Environment variables under which kernels start; ``private`` is a folder of our own."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(dict.fromkeys([package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
    jupyter = os.pathsep.join([str(write_kernel(private)), *filter(None, [os.environ.get("JUPYTER_PATH", "")])])
    return {
        "JUPYTER_PATH": jupyter,
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": "ignore",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


@contextmanager
def surroundings(variables: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with ``variables`` set, for the length of a ``with`` block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
