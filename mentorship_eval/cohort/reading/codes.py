"""Every code of the checks in one list: what it is about, what is done, which setting turns it, and which analyses turn it.

docs/checks.md is made of this list (`python tools/checks.py`), and tests hold the list to the program. E stops the work, R was repaired and
logged, W is a warning; a W whose rule changed something is logged too, under its own code.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CODES", "LIST", "Code", "checks_page"]


@dataclass(frozen=True)
class Code:
    """setting: keys of study.yaml, the first one with the default; sensitivity: ids of results, a star standing for a part of an id."""

    code: str
    what: str
    behaviour: str
    setting: tuple[str, ...] = ()
    default: str = ""
    sensitivity: tuple[str, ...] = ()


LIST: tuple[Code, ...] = (
    Code("E001", "study.yaml cannot be read as a study", "Stops, with the key, its line and the nearest known key."),
    Code("E002", "file missing or unreadable", "Stops, with the nearest file name or the way to export it again."),
    Code("E003", "empty table", "Stops."),
    Code("E004", "required column missing", "Stops, with the nearest column of the file.", ("tables.*.columns",)),
    Code("E005", "key used twice", "Stops, with the rows."),
    Code("E006", "refers to a record that is not there", "Stops, for every id whose table is in the study."),
    Code("W006", "refers to a person who is not there", "Mentors and colleagues may come from outside: the rows are kept and counted."),
    Code("E007", "not a value of the column's type", "Stops, with the cells."),
    Code("E008", "required value missing", "Stops, with the rows."),
    Code("E009", "too few tables for any question", "Stops, with the sets of tables that answer one."),
    Code("W012", "values missing", "Said with the rows; a closed spell without a reason counts as ended for an unknown reason."),
    Code("E010", "import recipe that cannot be used", "Stops, with the key, its line and the nearest known key.", ("tables.*.recipe",)),
    Code("E013", "nobody within the window", "Stops, with the first and the last day of the table.", ("study.start", "study.end")),
    Code(
        "W013",
        "names in the plan that nothing answers to",
        "Said, with the nearest name: by such a name no outcome counts as planned, and nothing is adjusted.",
        ("plan.primary", "plan.covariates"),
    ),
    Code("E101", "one id, conflicting attributes", "Stops, with the ids hashed and the way to an id map.", ("tables.*.values",)),
    Code(
        "R102",
        "duplicate rows or concurrent assignments",
        "Equal rows are left out. Of concurrent posts the primary one stays, the one with the largest WTE; its WTE is the sum over posts, capped.",
        ("rules.primary", "rules.wte_cap"),
        "largest_wte",
        ("retention.sensitivity.primary_*",),
    ),
    Code("W102", "rows equal in everything but the id", "Kept; two people may be alike."),
    Code(
        "R103",
        "rehire after a short gap",
        "Bridged within the organisation; after a longer gap the first leave counts.",
        ("rules.rehire_gap_days",),
        "30",
        ("retention.sensitivity.rehire_*",),
    ),
    Code(
        "R104",
        "internal transfer",
        "The end is labelled a transfer: no leave of the organisation. Exposure follows the department of the time.",
        ("plan.leaving",),
        "organisation",
        ("retention.sensitivity.clusters_current_department",),
    ),
    Code("E105", "dates out of order", "Stops: an end before its start, or a day after the files were drawn.", ("study.extract",)),
    Code("R105", "start and end on the same day", "Counted as half a day.", ("rules.same_day_days",), "0.5"),
    Code("E106", "date that cannot be read for certain", "Stops until the format is declared.", ("tables.*.dates",)),
    Code("R106", "date placeholder or format recognised", "4712 and 9999 mean not ended; the only possible reading of a column is taken."),
    Code(
        "R107",
        "suspended time",
        "Maternity leave, career breaks and secondments (also elsewhere) stay in the risk set, or are left out; they are no leaving.",
        ("rules.suspended",),
        "keep",
        ("retention.sensitivity.suspended_removed",),
    ),
    Code("E108", "value that is not allowed", "Stops, with the values that are.", ("tables.*.values",)),
    Code("R108", "spelling of a category", "Other capitals, blanks and hyphens are respelt."),
    Code(
        "W108",
        "ends that may be administrative",
        "Retire-and-return, a change to the bank, and a day on which unusually many of a department left count as recorded until a rule says so.",
        ("rules.retire_return", "rules.retire_return_days", "rules.bank", "rules.mass_ends", "rules.mass_end_share"),
        "leave",
        ("retention.sensitivity.retire_return", "retention.sensitivity.bank", "retention.sensitivity.mass_ends"),
    ),
    Code("E109", "unknown department", "Stops, with the nearest names; names are never joined by likeness.", ("tables.*.values",)),
    Code("W109", "department without a go-live row", "Taken as never in the programme."),
    Code(
        "R110",
        "department merged, split or renamed",
        "Every table speaks of the stable units of dept_lineage; a split divides nothing, its parts are one unit throughout.",
        ("rules.lineage",),
        "apply",
        ("incidents.sensitivity.*.lineage_off", "retention.sensitivity.lineage_off"),
    ),
    Code("E110", "departments merged across the programme", "Stops: a unit would be with and without it at once.", ("rules.lineage",), "apply"),
    Code("E111", "incidents without patient-days", "Stops; a missing denominator is never taken as 0.", ("rules.missing_exposure",), "stop"),
    Code(
        "R111",
        "department-month left out",
        "Months with incidents and no patient-days, under rules.missing_exposure: exclude.",
        ("rules.missing_exposure",),
        "stop",
        ("incidents.sensitivity.*.units_with_exposure",),
    ),
    Code("W111", "odd exposure", "Jumps of patient-days, gaps and idle rows are said.", ("rules.exposure_jump",), "3"),
    Code(
        "W112",
        "reporting system or taxonomy changed",
        "Said, with a test of a step at the date by department-months.",
        ("plan.incidents.switch_months",),
        "1",
        ("incidents.sensitivity.*.switch_*",),
    ),
    Code(
        "W114",
        "reports still coming in",
        "The last months are flagged by the lags of earlier ones.",
        ("rules.reporting_lag", "rules.reported_share"),
        "flag",
        ("incidents.sensitivity.*.reported_in_full",),
    ),
    Code(
        "R114",
        "months left out whose reports are still coming in",
        "Under rules.reporting_lag: drop.",
        ("rules.reporting_lag",),
        "flag",
        ("incidents.sensitivity.*.all_months",),
    ),
    Code(
        "W115",
        "named shock inside the window",
        "Said; what touched all departments alike is taken up by the months.",
        ("plan.incidents.without_shocks",),
        "True",
        ("incidents.sensitivity.*.shock_*", "retention.sensitivity.shock_*"),
    ),
    Code("E116", "sessions outside their match", "Stops above a share of the sessions.", ("rules.stray_sessions",), "0.05"),
    Code("R116", "sessions outside their match", "Left out, up to that share.", ("rules.stray_sessions",), "0.05"),
    Code(
        "W117",
        "match without a start but with sessions",
        "Begins with its first held session.",
        ("rules.match_start",),
        "first_session",
        ("retention.sensitivity.match_start",),
    ),
    Code("R113", "one incident in several rows", "The latest revision, and one row per incident: patients are not counted.", ("tables.*.settings",)),
    Code(
        "E118",
        "scale out of range, versions mixed or items against each other",
        "Stops: items or scores out of range, one instrument in two versions, alpha below 0.5, items that run against the others.",
        ("tables.*.settings",),
    ),
    Code("W119", "few, or unequal, answers to surveys", "Said by wave and arm.", ("rules.response_share", "rules.response_difference"), "0.5"),
    Code("E120", "anonymous answers joined to staff", "Stops without a flag of consent or a declaration.", ("tables.*.settings",)),
    Code("R120", "answers without consent to linkage", "Kept without the id.", ("tables.*.settings",)),
    Code("E121", "direct identifiers", "Stops; what was found is never quoted.", ("tables.*.not_identifiers",)),
    Code("R121", "identifiers dropped or replaced by a recipe", "Identifying columns go unread; addresses become ids.", ("tables.*.settings",)),
    Code("W122", "ethnicity or gender not stated", "A category of its own."),
    Code("E123", "suppressed or unreadable counts", "Stops: a suppressed count is not 0.", ("tables.*.decimal",)),
    Code("R123", "format of the file", "Encodings, blanks, totals, separators and merged headers are recognised.", ("tables.*.encoding",)),
    Code("W123", "text of the file", "Short rows, further sheets and text decoded wrongly are said."),
    Code("W124", "immature cohort", "Said; nothing is told of a time beyond which too few are followed.", ("rules.mature_share",), "0.25"),
    Code("E125", "category never seen before", "Stops where study.yaml declares the levels of a column.", ("tables.*.levels",)),
    Code("E126", "waves in which nobody answers twice", "Stops: nobody's change can be told.", ("tables.*.cross_sectional",), "False"),
    Code("W126", "waves of different people", "Said where answers are anonymous, or where it is declared.", ("tables.*.cross_sectional",), "False"),
    Code("E127", "lists that do not say who stayed", "Stops: a month is missing, or only leavers are listed.", ("tables.*.settings",)),
    Code("R127", "rows made into other rows by a recipe", "Monthly lists to spells, stays to patient-days, items to scores.", ("tables.*.settings",)),
    Code("W127", "monthly lists that leave something open", "Short lists, unknown days of hire, leavers without a leave."),
    Code("R128", "rows or values as a recipe says", "Rows left out by status, values mapped, each a line of the log.", ("tables.*.recipe",)),
)

CODES: dict[str, str] = {item.code: item.what for item in LIST}


def checks_page() -> str:
    """docs/checks.md."""
    lines = [
        "# Checks, repairs and warnings",
        "",
        "Made from `mentorship_eval/cohort/reading/codes.py` by `python tools/checks.py`. E stops the work; R was repaired, and every",
        "repair is a line of the repair log; W is a warning in the report, and where its rule changed a record that is a line of the log",
        "too. Nothing is repaired silently, and `mentorship-eval check COHORT` finds everything in the tables at once, as soon as study.yaml can",
        "be read. The log row by row is as sensitive as the data: `mentorship-eval check COHORT --repair-log FILE` writes it; `repair_log.csv` of",
        "a report under disclosure control has the kinds of repair with their sums.",
        "",
        "Settings are keys of `study.yaml`; a star stands for the name of a table. The last column names the analyses that turn the rule, as in",
        "`estimates.csv`; one that did not touch the cohort has no row there.",
        "",
        "| code | what | what is done | setting | default | turned by |",
        "|---|---|---|---|---|---|",
    ]
    for item in LIST:
        cells = [item.code, item.what, item.behaviour, _names(item.setting), f"`{item.default}`" if item.default else "", _names(item.sensitivity)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_JSON]) + "\n"


def _names(items: tuple[str, ...]) -> str:
    return ", ".join(f"`{item}`" for item in items)


_JSON = (
    "## For machines",
    "",
    "`mentorship-eval check COHORT --json` prints a list with one object per finding, errors first, in a fixed order:",
    "",
    "| field | type | meaning |",
    "|---|---|---|",
    "| `code` | text | one of the codes above |",
    "| `severity` | text | `E`, `R` or `W` |",
    "| `table` | text | table of the study, empty for study.yaml |",
    "| `file` | text | name of the file, without its folder |",
    "| `rows` | list of numbers | rows of the file, the header being row 1; the first thousand |",
    "| `column` | text | column as the file names it |",
    "| `message` | text | what is wrong; ids are hashed |",
    "| `fix` | text | what to do about it |",
    "| `count` | number | number of rows, always exact |",
    "| `elsewhere` | list | other files of the same table with the same trouble: `file`, `row` (the first), `count` |",
    "",
    "Exit codes: 0 no error, 1 at least one E, 2 wrong use of the command, 3 a failure of the program. A cohort folder that is not there is 1",
    "(`check`, `run`, `power`, `match`, `new --like`); a run or a file named to the other verbs that is not there is wrong use, 2 (`verify`,",
    "`bundle`, `compare`, `appendix`, `pseudonymise`).",
)
