"""The verb simulate: scenarios in its help, truth and faults in the folder, wrong use refused."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from mentorship_eval.cli.program import cli
from mentorship_eval.cohort.simulation.scenarios import SCENARIOS
from mentorship_eval.errors import UsageError


def call(*words: object):
    return CliRunner().invoke(cli, ["simulate", *map(str, words)])


def test_help_lists_every_scenario_with_what_it_shows() -> None:
    text = " ".join(call("--help").output.split())
    for name, scenario in SCENARIOS.items():
        assert f"{name} {scenario.about}" in text


def test_scenarios_are_written_with_their_truth_and_messy_with_its_faults(tmp_path: Path) -> None:
    assert call(tmp_path / "one", "--scenario", "tiny_programme", "--seed", 2, "--outcomes").exit_code == 0
    truth = json.loads((tmp_path / "one" / "truth.json").read_text(encoding="utf-8"))
    assert truth["scenario"] == "tiny_programme" and truth["seed"] == 2 and truth["outcomes"]["audit_odds_ratio_programme"] == 1.35
    assert (tmp_path / "one" / "audits.csv").is_file()
    assert call(tmp_path / "two", "--scenario", "messy", "--faults", "all").exit_code == 0
    told = json.loads((tmp_path / "two" / "faults.json").read_text(encoding="utf-8"))
    assert {"E002", "E121", "R102", "W112"} <= {fault["code"] for fault in told["faults"]}
    assert (tmp_path / "two" / "staff_in_post").is_dir() and (tmp_path / "two" / "truth.json").is_file()


def test_faults_of_another_scenario_are_wrong_use(tmp_path: Path) -> None:
    assert isinstance(call(tmp_path / "three", "--faults", "all").exception, UsageError)
    assert isinstance(call(tmp_path / "four", "--scenario", "messy", "--faults", "some").exception, UsageError)
