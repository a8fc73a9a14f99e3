"""JupyterLab for tests: a server with settings of its own, and a page of it that is steered by Lab's commands.

Nothing is clicked blindly. The page exposes Lab's application object; a cell is run only once the kernel of the notebook
says that it is idle, and any dialog that stands in the way is answered and recorded.
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

__all__ = ["PATIENCE", "LabPage", "jupyter_lab"]

# Seconds that any one step may take: a loaded machine is slow, and only a step that never ends has failed.
PATIENCE = 180.0

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},  # the file changes only when the test says so
    # outputs far down the page are otherwise not in the document, and a reader who scrolls is not what is tested
    "notebook-extension/tracker": {"windowingMode": "none"},
}

# Answers a dialog that stands in the way, and tells how the open notebook is; all of it plain values, in one go.
STATE = """notebook => {
  const dialog = document.querySelector(".jp-Dialog");
  const asked = dialog ? dialog.innerText : null;
  if (dialog) (dialog.querySelector("button.jp-mod-accept") ?? dialog.querySelector("button"))?.click();
  const app = window.jupyterapp;
  const panel = app && app.shell.currentWidget;
  const model = panel && panel.content && panel.content.model;
  if (!model || !panel.context.isReady || panel.context.path !== notebook) return {asked, kernel: "none", counts: [], errors: [], unsaved: false};
  const kernel = panel.sessionContext.isReady ? panel.sessionContext.session?.kernel : null;
  const code = Array.from(model.cells).filter(cell => cell.type === "code");
  const errors = code.flatMap(cell => Array.from({length: cell.outputs.length}, (_, i) => cell.outputs.get(i)))
    .filter(output => output.type === "error").map(output => output.toJSON().evalue);
  return {asked, kernel: kernel ? kernel.status : "none", counts: code.map(cell => cell.executionCount), errors, unsaved: model.dirty};
}"""


def until(told: Callable[[], str | None], *, patience: float = PATIENCE, pause: Callable[[], object] = lambda: time.sleep(0.2)) -> None:
    """Ask again until ``told`` has nothing to complain of; what it said last is the failure."""
    end = time.monotonic() + patience
    while complaint := told():
        assert time.monotonic() < end, f"after {patience:.0f} s: {complaint}"
        pause()


def end(server: subprocess.Popen[bytes]) -> None:
    """The server and all that it started: kernels live in sessions of their own, so a signal to its group misses them."""
    try:
        family = psutil.Process(server.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    _, left = psutil.wait_procs(family, timeout=5)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=5)


@contextmanager
def jupyter_lab(books: Path, private: Path, env: dict[str, str]) -> Iterator[tuple[str, str]]:
    """A server of ``books`` on a free loopback port, with settings, workspaces and log under ``private``: address and token."""
    private.mkdir(parents=True, exist_ok=True)
    for name, values in SETTINGS.items():
        place = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(values), encoding="utf-8")
    variables = {**env, "JUPYTER_CONFIG_DIR": str(private / "config"), "JUPYTER_DATA_DIR": str(private / "data"),
                 "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
                 "JUPYTER_NO_CONFIG": "1"}  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1",
               f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={books}",
               "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
               "--LabApp.extension_manager=readonly"]  # fmt: skip
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    log = private / "lab.log"

    def silent() -> str | None:
        assert server.poll() is None, f"JupyterLab ended with code {server.returncode}: {log.read_text()[-2000:]}"
        try:
            opener.open(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=5).close()
        except OSError as problem:
            return f"JupyterLab does not answer ({problem}): {log.read_text()[-2000:]}"
        return None

    with log.open("wb") as stream:
        server = subprocess.Popen(command, env=variables, cwd=books, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        try:
            until(silent)
            yield f"http://127.0.0.1:{port}", token
        finally:
            end(server)


@dataclass
class LabPage:
    """A page with the file ``notebook`` in JupyterLab; ``dialogs`` are the texts of those that had to be answered."""

    page: Any
    notebook: str
    dialogs: list[str] = field(default_factory=list)

    def open(self, address: str, token: str) -> None:
        """The notebook on the screen, with a kernel that waits for work."""
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.goto(f"{address}/lab/tree/{self.notebook}?token={token}")
        self._until(lambda state: state["kernel"] == "idle" and bool(state["counts"]), "no notebook with an idle kernel")

    def run_all(self) -> None:
        """Run All Cells, and stay until every code cell has its number and the kernel rests again."""
        self._execute("notebook:run-all-cells")
        self._until(lambda state: state["kernel"] == "idle" and None not in state["counts"], "cells are still to run")

    def note_progress(self) -> None:
        """From here on every text that stands below a cell, however briefly, is kept for `progress`."""
        self.page.evaluate("""() => {
          window.seenBelowCells = new Set();
          const keep = each => window.seenBelowCells.add(each.innerText.slice(0, 200));
          const look = () => document.querySelectorAll(".jp-OutputArea-output").forEach(keep);
          new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
        }""")

    def progress(self) -> list[str]:
        """The lines of progress that were seen since `note_progress`."""
        seen = self.page.evaluate("Array.from(window.seenBelowCells)")
        return [text.strip() for text in seen if "… (" in text]

    def save(self, book: Path) -> None:
        """Save, and stay until the file ``book`` has every code cell as it is on the screen."""

        def saved(state: dict[str, Any]) -> bool:
            if state["unsaved"]:
                return False
            try:
                cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
            except json.JSONDecodeError:  # the server is writing at this moment; one that never ends is the failure
                return False
            return state["counts"] == [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]

        self._execute("docmanager:save")
        self._until(saved, "the notebook is not saved")

    def _execute(self, command: str) -> None:
        # not awaited in the page: a command that waits for a dialog would never come back
        self.page.evaluate("command => { window.jupyterapp.commands.execute(command); }", command)

    def _until(self, well: Callable[[dict[str, Any]], bool], complaint: str) -> None:
        def told() -> str | None:
            state = self.page.evaluate(STATE, self.notebook)
            if asked := state.pop("asked"):
                self.dialogs.append(asked)
            assert not state["errors"], f"a cell failed: {state}, dialogs answered: {self.dialogs}"
            return None if well(state) else f"{complaint}: {state}, dialogs answered: {self.dialogs}"

        until(told, pause=lambda: self.page.wait_for_timeout(300))
