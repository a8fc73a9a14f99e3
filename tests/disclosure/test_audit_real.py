"""The auditor on the chapters of a simulated cohort: what the shared run published holds, and what it would have published does not."""

from __future__ import annotations

from mentorship_eval.cohort import read_cohort
from mentorship_eval.disclosure import protect
from mentorship_eval.disclosure.audit import audit
from mentorship_eval.report.answers import answer_chapters, protect_answers, rule_of
from mentorship_eval.report.parameters import check_chapters
from tests.report.shared_run import RunOnce


def test_real_chapters_hold_after_the_audit(ran: RunOnce, monkeypatch):
    monkeypatch.setenv("MENTORSHIP_EVAL_CACHE", str(ran.cache))
    cohort = read_cohort(ran.cohort)
    private = answer_chapters(cohort, check_chapters(None))
    rule = rule_of(cohort)
    shown, log = protect_answers(private, cohort)
    answers = list(private.values())
    assert audit(answers, answers, rule).narrow
    # what the ledger does by itself is found wanting, so that the attack has something to find
    by_itself = audit(answers, protect(answers, rule)[0], rule)
    found = audit(answers, list(shown.values()), rule)
    assert by_itself.narrow and found.suppressed > 100
    assert [str(one) for one in found.narrow] == []
    assert log["why"].str.startswith("audit: ").any()
