"""The verb lab: the notebooks copied out and opened in JupyterLab on the interpreter that runs us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from mentorship_eval.errors import UsageError
from mentorship_eval.report.kernel import write_kernel
from mentorship_eval.report.parameters import NOTEBOOKS, notebook_folder

__all__ = ["copy_notebooks", "open_lab"]


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy each notebook that ``folder`` does not have yet and return the copies made; what is there stays as it is."""
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NOTEBOOKS.values():
            target = folder / f"{name}.ipynb"
            if not target.exists():
                shutil.copyfile(notebook_folder() / f"{name}.ipynb", target)
                made.append(target)
    except OSError as error:
        raise UsageError(f"Cannot copy the notebooks to {folder}: {error.strerror}.", fix="Choose another folder with --dir.") from None
    return made


def open_lab(folder: str, *, browser: bool, start: bool, options: tuple[str, ...] = ()) -> None:
    """Copy, say what was copied, and start JupyterLab unless told not to; ``options`` are its own."""
    path = Path(folder).expanduser()
    made = copy_notebooks(path)
    kept = len(NOTEBOOKS) - len(made)
    click.echo(f"copied {len(made)} notebook(s) to {path}" + (f"; left {kept} of yours as they are" if kept else ""), err=True)
    if not start:
        click.echo(str(path))
        return
    package = str(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryDirectory(prefix="mentorship-eval-lab-") as private:
        environment = {
            **os.environ,
            "JUPYTER_PATH": os.pathsep.join(filter(None, [str(write_kernel(Path(private))), os.environ.get("JUPYTER_PATH", "")])),
            "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")])),
        }
        command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={path.resolve()}"]
        done = subprocess.run([*command, *([] if browser else ["--no-browser"]), *options], env=environment, check=False)
    if done.returncode:
        # it has said why on stderr
        raise UsageError(f"JupyterLab ended with code {done.returncode}.", fix="Its own options go after --, as in: lab -- --port 9999")
