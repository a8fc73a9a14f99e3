"""An attacker who knows everything that is published: what the suppressed counts of a run can still be, and coarsening until that is enough."""

from mentorship_eval.disclosure.audit.judge import Audit, Narrow, audit
from mentorship_eval.disclosure.audit.loop import audited

__all__ = ["Audit", "Narrow", "audit", "audited"]
