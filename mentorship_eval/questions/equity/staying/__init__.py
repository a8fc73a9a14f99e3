"""Whether gaps in staying change with mentoring: in percentage points from a landmark, and as excess hazard and ratios of hazard ratios."""

from mentorship_eval.questions.equity.staying.excess import Excess, excess_of, excess_risk, fitted_by_group
from mentorship_eval.questions.equity.staying.landmark import LANDMARK, at_landmark, difference_of_differences, gaps_in_staying

__all__ = [
    "LANDMARK", "Excess", "at_landmark", "difference_of_differences", "excess_of", "excess_risk", "fitted_by_group", "gaps_in_staying",
]  # fmt: skip
