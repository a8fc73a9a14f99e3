"""A real PostgreSQL server for the tests of one module: in a temporary folder, on a socket, gone afterwards."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any

__all__ = ["PASSWORD", "USER", "missing", "server"]

USER, PASSWORD = "evaluator", "s3cret word/@"


def _programs() -> Path | None:
    found = sorted(glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    place = found[-1] if found else shutil.which("initdb")
    return Path(place).parent if place else None


def _as_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _postgres_user() -> bool:
    try:
        import pwd

        pwd.getpwnam("postgres")
    except (ImportError, KeyError):
        return False
    return True


def missing() -> str:
    """Why no server can be started here; "" when one can."""
    if _programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    # the server refuses to run as root
    return "run as root, and there is no user postgres to run the server" if _as_root() and not _postgres_user() else ""


@contextmanager
def server() -> Iterator[str]:
    """The folder of the socket of a running server with one user and a database ``hr``, who must give the password."""
    programs = _programs()
    assert programs is not None
    other: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if _as_root() else {}
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:  # a socket's path may have no more than about 100 signs
        if other:
            shutil.chown(folder, "postgres", "postgres")
        word = Path(folder) / "word"
        word.write_text(PASSWORD + "\n", encoding="utf-8")
        if other:
            shutil.chown(word, "postgres", "postgres")

        def run(*command: str) -> None:
            done = subprocess.run(
                [str(programs / command[0]), *command[1:]], cwd=folder, check=False, capture_output=True, text=True, timeout=120,
                env={**os.environ, "LC_ALL": "C.UTF-8"}, **other,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr

        data = f"{folder}/data"
        run("initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--no-sync", "--no-instructions")
        with open(f"{folder}/log", "w", encoding="utf-8") as log:
            command = [str(programs / "postgres"), "-D", data, "-k", folder, "-F", "-c", "listen_addresses="]
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "LC_ALL": "C.UTF-8"}, **other)
        try:
            _wait(process, folder)
            yield folder
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait(process: subprocess.Popen[bytes], folder: str) -> None:
    import time

    import psycopg

    for _ in range(300):
        assert process.poll() is None, Path(folder, "log").read_text(encoding="utf-8")
        try:
            with psycopg.connect(host=folder, user=USER, password=PASSWORD, dbname="postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE hr")
                return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


if __name__ == "__main__":
    print(missing() or getpass.getuser())
