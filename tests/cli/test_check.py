"""The verb check: the full repair log on request, never over a file."""

from __future__ import annotations

from click.testing import CliRunner

from mentorship_eval.cli.program import cli
from mentorship_eval.errors import UsageError
from tests.cohort.folders import PEOPLE, write


def test_the_repairs_of_a_cohort_are_written_row_by_row_when_asked_for(tmp_path):
    spells = PEOPLE["spells.csv"] + "p4,s3,d2,2023-05-02,2023-05-02,1,fixed_term,Active,end_of_contract\n"
    folder = write(tmp_path / "cohort", {**PEOPLE, "spells.csv": spells})
    log = tmp_path / "repairs.csv"
    done = CliRunner().invoke(cli, ["check", str(folder), "--repair-log", str(log)])
    assert done.exit_code == 0 and "keep it with the data" in done.output
    text = log.read_text(encoding="utf-8")
    assert "R105,spells,spells.csv,5,end,2023-05-02" in text and str(tmp_path) not in text
    assert isinstance(CliRunner().invoke(cli, ["check", str(folder), "--repair-log", str(log)]).exception, UsageError)
    assert log.read_text(encoding="utf-8") == text
