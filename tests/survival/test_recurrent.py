"""Recurrent events and time-varying covariates: the fits, and proportional hazards on all four time scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mentorship_eval import survival
from tests.survival.reference import CLOSED_FORM, compare_cox, reference, survival_data
from tests.survival.test_residuals import CALLS, fitted

# R 4.2.2, survival 3.5-3: cox.zph(fit, transform, terms = FALSE)$table[, "chisq"], GLOBAL last,
# the fits with coxph.control(eps = 1e-14, iter.max = 100)
IN_R = [
    ("heart", "km", [0.202934388152783, 0.866874710915552, 1.716414429208002, 0.097395059116863, 3.473102298845787]),
    ("heart", "rank", [0.2524384836311761, 0.8307160961267613, 1.0518677933582203, 0.0038478590657459, 2.6843268107262515]),
    ("heart", "identity", [0.1220293016201, 1.7572909300802, 1.5122004755649, 1.3761105612253, 4.6879484109641]),
    ("heart", "log", [0.1266544431440629, 0.4365690328894323, 1.0578983579957713, 0.0099433792264527, 2.1162989485936667]),
    ("bladder_ag", "km", [0.017939247153539, 0.602712186354562, 2.031364295221131, 2.284180384127945]),
    ("bladder_ag", "rank", [0.29818856662736, 1.82023955646592, 2.16713018511064, 3.48748497051634]),
    ("bladder_ag", "identity", [0.28731536835415, 2.44047039676949, 2.51678091740123, 4.27227635602733]),
    ("bladder_ag", "log", [0.10194247338296, 0.07605888407319, 2.02696350054149, 2.14044119421094]),
    ("bladder_pwp", "km", [0.19961607839121, 0.12034846264168, 0.28125695110031, 0.79455670135643]),
    ("bladder_pwp", "rank", [0.674386445159760, 0.039205327439725, 0.249348929789589, 0.874456256848800]),
    ("bladder_pwp", "identity", [0.652540972492248, 0.066460555092442, 0.286683856117315, 0.886962930090670]),
    ("bladder_pwp", "log", [0.00098741883650557, 0.81609453265316856, 0.27533771782768984, 1.45374254973942274]),
    ("bladder_wlw", "km", [0.088219209908023, 1.497658585154853, 2.354276149051346, 3.388536684820992]),
    ("bladder_wlw", "rank", [0.15785943741181, 2.11538484684615, 2.56795185974247, 4.11890676650231]),
    ("bladder_wlw", "identity", [0.090533931447672, 2.055986667666992, 2.866860165571643, 4.273751662672842]),
    ("bladder_wlw", "log", [0.3726171901600914, 0.0021045881344652, 2.4124233440988845, 2.7744793525782208]),
    ("rossi_weighted", "km", [0.11119988282440, 6.56093934908387, 0.56970759912258, 7.58885539726128]),
    ("rossi_weighted", "rank", [2.28373602888890, 0.75169628361963, 2.19068774886535, 4.99649764998775]),
    ("rossi_weighted", "identity", [0.020018274588916, 7.357449458103045, 0.489771954051047, 8.288949917156886]),
    ("rossi_weighted", "log", [0.2593587785766605, 9.3892246282807665, 0.0099212538711122, 9.9216386574953450]),
]


@pytest.mark.parametrize(("name", "transform", "wanted"), IN_R, ids=[f"{case[0]}-{case[1]}" for case in IN_R])
def test_proportional_hazards(name: str, transform: str, wanted: list[float]) -> None:
    table = fitted(name).ph_test(transform).table
    assert_allclose(table["chisq"], wanted, rtol=CLOSED_FORM)
    assert list(table["term"]) == [*CALLS[name][1]["covariates"], "GLOBAL"]
    assert list(table["df"]) == [1] * (len(wanted) - 1) + [len(wanted) - 1]


@pytest.mark.parametrize(("model", "name"), [("ag", "bladder_ag"), ("pwp", "bladder_pwp"), ("wlw", "bladder_wlw")])
def test_the_three_models_of_recurrent_events(model: str, name: str) -> None:
    result = fitted(name)
    compare_cox(result, reference("bladder", model))
    # events of a person are dependent: the model-based standard errors are another thing
    assert (np.abs(result.table["robust_se"] / result.table["se"] - 1) > 0.02).any()


@pytest.mark.parametrize("transform", ["km", "identity", "log"])
def test_splitting_rows_changes_nothing(transform: str) -> None:
    """A row cut in two carries the same information. (Ranks are those of the ends of rows, in R too, and do change.)"""
    data = survival_data("lung_cc").assign(start=0.0)
    cut = data["time"] > 200.5
    early, late = data[cut].assign(time=200.5, event=0), data[cut].assign(start=200.5)
    split = pd.concat([data[~cut], early, late], ignore_index=True)
    call = {"start": "start", "stop": "time", "event": "event", "covariates": ["age", "sex"]}
    whole, parts = survival.cox(data, **call), survival.cox(split, **call)
    assert_allclose(parts.table["coef"], whole.table["coef"], rtol=1e-9)
    one, other = whole.ph_test(transform).table["chisq"], parts.ph_test(transform).table["chisq"]
    assert_allclose(other, one, rtol=1e-8)
