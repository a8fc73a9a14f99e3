"""`make lock`: requirements.lock, requirements-dev.lock and environment.yml from pyproject.toml.

requirements.lock also pins what builds the package, so that installing it needs nothing that is not
locked. Versions already in a lock are kept while they satisfy pyproject.toml; ``--upgrade`` takes the newest.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from conda_environment import ROOT, main, project

COMPILE = [
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate",
    "--no-emit-index-url", "--no-emit-find-links",
]  # fmt: skip


def compile_lock(output: str, sources: list[str], options: list[str]) -> None:
    command = [sys.executable, str(ROOT / "tools" / "run_uv.py"), *COMPILE, *sources, *options, "-o", output]
    subprocess.run(command, cwd=ROOT, check=True)


def lock(options: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        builders = Path(folder) / "build.in"
        builders.write_text("\n".join(project()["build-system"]["requires"]) + "\n", encoding="utf-8")
        compile_lock("requirements.lock", ["pyproject.toml", str(builders)], options)
        developers = ["pyproject.toml", str(builders), "--extra", "test", "--extra", "dev", "-c", "requirements.lock"]
        compile_lock("requirements-dev.lock", developers, options)
    main()


if __name__ == "__main__":
    lock(sys.argv[1:])
