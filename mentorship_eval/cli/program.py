"""The verbs with their options, and how an error becomes one line and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from mentorship_eval import __version__
from mentorship_eval.errors import MentorshipEvalError, UsageError

__all__ = ["cli", "main"]

DONE, DATA, USAGE, FAILURE = 0, 1, 2, 3
_ISSUE = "This is our failure, not the data's: run again with --debug before the verb and report what it prints."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mentorship-eval")
@click.option("--debug", is_flag=True, help="Show the traceback when something fails.")
def cli(debug: bool) -> None:
    """Did the mentorship programme keep staff and make care safer, and how sure can we be?

    \b
    Start here:
      mentorship-eval demo             a whole report on a simulated cohort
      mentorship-eval new my-cohort    a folder to fill in with your own files
      mentorship-eval run my-cohort    the report
    """


@cli.command()
@click.option("--out", default="reports", show_default=True, metavar="DIR", help="Folder for the report.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), metavar="N", help="Notebooks at a time.")
def demo(out: str, jobs: int) -> None:
    """Evaluate the simulated demo cohort, whose truth is known, and print where index.html is."""
    from mentorship_eval.cli.running import run_demo

    run_demo(out, jobs)


@cli.command()
@click.argument("folder", metavar="DIR")
@click.option("--like", metavar="COHORT", help="Carry over its plan, rules and maps; the window is cleared.")
@click.option("--from", "recipes", multiple=True, metavar="RECIPE", help="For the export of a system, such as esr or datix; may be repeated.")
@click.option("--format", "kind", type=click.Choice(["csv", "xlsx"]), default="csv", show_default=True, help="Of the tables to fill in.")
def new(folder: str, like: str | None, recipes: tuple[str, ...], kind: str) -> None:
    """Make a cohort folder to fill in: study.yaml, table templates, data dictionary.

    \b
    mentorship-eval new my-cohort --from esr --from datix --from adt --from mentorloop
    mentorship-eval new my-cohort --from list    what recipes there are; makes nothing
    """
    from mentorship_eval.cli.starting import new_cohort

    new_cohort(folder, like, recipes, kind)


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--column", "columns", multiple=True, required=True, metavar="COL", help="A column to replace by pseudonyms; may be repeated.")
@click.option("--key", required=True, metavar="KEYFILE", help="The secret key; made on first use.")
@click.option("--out", required=True, metavar="DIR", help="Folder for the new files.")
@click.option("--normalise", multiple=True, metavar="KIND", help="text (the default), email or nhs; COL=KIND for one column.")
@click.option("--drop", multiple=True, metavar="COL", help="A column to leave out; may be repeated.")
@click.option("--not-identifier", "cleared", multiple=True, metavar="COL", help="A column that identifies nobody, whatever it looks like.")
@click.option("--lookup", is_flag=True, help="Also keep who is who, in a file beside the key.")
@click.option("--sheet", metavar="NAME", help="Sheet of a workbook.")
@click.option("--header-row", default=1, show_default=True, type=click.IntRange(1), metavar="N", help="Row that names the columns.")
@click.option("--encoding", metavar="NAME", help="Of CSV files; found out when not given.")
@click.option("--delimiter", metavar="CHAR", help="Of CSV files; found out when not given.")
def pseudonymise(
    files: tuple[str, ...], columns: tuple[str, ...], key: str, out: str, normalise: tuple[str, ...], drop: tuple[str, ...],
    cleared: tuple[str, ...], lookup: bool, **reading: Any,
) -> None:
    """Replace NHS numbers, e-mails, names or staff numbers by keyed hashes.

    The same key gives the same pseudonyms in every file and year, so that tables
    link. Keep it outside cohort folders and outputs: anybody who has it can test
    whom a pseudonym stands for. CSV or XLSX in, CSV out; nothing is overwritten.
    Other columns pass through, unless they identify people: then nothing is
    written.

    \b
    mentorship-eval pseudonymise leavers.xlsx pairs.csv --column "NHS Number"
      --normalise nhs --drop Surname --key ~/keys/study.key --out my-cohort
    """
    from mentorship_eval.cli.pseudonymising import pseudonymise as replace

    replace(files, out, key, columns, normalise, drop, cleared, lookup, **reading)


@cli.command()
@click.argument("cohort")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--repair-log", metavar="FILE", help="Also write every repair, row by row, to this new CSV file (as sensitive as the data).")
def check(cohort: str, as_json: bool, repair_log: str | None) -> None:
    """Print every finding in a cohort's files; exit code 1 when any is an error."""
    from mentorship_eval.cli.checking import check_folder

    check_folder(cohort, as_json, repair_log)


@cli.command()
@click.argument("cohort")
@click.option("--out", default="reports", show_default=True, metavar="DIR", help="Folder for the report.")
@click.option("--chapters", metavar="NAMES",
              help="Only these, separated by commas: cohort, retention, incidents, wellbeing, innovation, careers, collaboration, equity, delivery, "
              "economics, summary.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), metavar="N", help="Notebooks at a time.")
@click.option("--earlier", multiple=True, metavar="RUN",
              help="A published run of the same cohort: counts that differ from its by few are not told. Those in DIR are found by themselves.")
def run(cohort: str, out: str, chapters: str | None, jobs: int, earlier: tuple[str, ...]) -> None:
    """Evaluate a cohort and write its report."""
    from mentorship_eval.cli.running import run_folder

    run_folder(cohort, out, chapters, jobs, earlier)


@cli.command()
@click.argument("run", metavar="RUN")
@click.option("--cohort", metavar="FOLDER", help="The data: the hashes of its files are compared with those of the inputs.")
@click.option("--rerun", is_flag=True, help="Also run it again from the data, in a temporary place, and compare bytes and numbers.")
@click.option("--earlier", multiple=True, metavar="RUN", help="For --rerun: a run that it was protected against; may be repeated.")
@click.option("--redraw", is_flag=True, help="Also draw every figure again from the run's own answers.json, and compare bytes; needs no data.")
@click.option("--strict", is_flag=True, help="Other software or another platform is a difference, not a remark.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(run: str, cohort: str | None, rerun: bool, earlier: tuple[str, ...], redraw: bool, strict: bool, as_json: bool) -> None:
    """Is a run, or the bundle of one, still what it was when it was made?

    RUN is a run folder, reports/COHORT (its latest run), or a zip file made by
    `mentorship-eval bundle`. Exit code 1 when anything differs.

    \b
    mentorship-eval verify reports/my-cohort
    mentorship-eval verify bundle.zip --cohort my-cohort --rerun
    """
    from mentorship_eval.cli.verifying import verify as verify_run

    verify_run(run, cohort, earlier, rerun, redraw, strict, as_json)


@cli.command()
@click.argument("old", metavar="RUN")
@click.argument("new", metavar="RUN")
@click.option("--cohort", "cohorts", nargs=2, metavar="OLD NEW", help="The data of both: counts rows that are new or gone, where it may be said.")
@click.option("--explain", "explained", is_flag=True, help="Also answer again with one thing changed at a time; needs --cohort, and time.")
@click.option("--out", metavar="FILE", help="Also write it all to this new file: .html, .csv or .json.")
@click.option("--all", "everything", is_flag=True, help="Print every estimate with which something happened.")
def compare(old: str, new: str, cohorts: tuple[str, str] | None, explained: bool, out: str | None, everything: bool) -> None:
    """What changed between two runs, by how much, and why.

    Each RUN is a run folder, or reports/COHORT for its latest run.

    \b
    mentorship-eval compare reports/c2024 reports/c2025
    mentorship-eval compare reports/c2024 reports/c2025 --cohort c2024 c2025
      --explain --out changes.html
    """
    from mentorship_eval.cli.comparing import compare as compare_runs

    compare_runs(old, new, cohorts, explained, out, everything)


@cli.command()
@click.argument("run", metavar="RUN")
@click.option("--out", metavar="FILE.zip", help="Name of the file; by default COHORT-KEY.zip, here.")
def bundle(run: str, out: str | None) -> None:
    """Put a run into one zip file for a reviewer: no data, the same bytes each time."""
    from mentorship_eval.cli.verifying import make_bundle

    make_bundle(run, out)


@cli.command()
@click.argument("run", metavar="RUN")
@click.option("--journal", metavar="NAME", help="plos, elsevier, nature, jama, bmj, bmc or generic.  [default: that of study.yaml, else generic]")
@click.option("--column", type=click.Choice(["single", "middle", "double"]), default="double", show_default=True, help="Width of the figures.")
@click.option("--disclosure", metavar="PROFILE", help="Refuse a run that was not protected by this profile.")
@click.option("--out", metavar="DIR", help="Folder for the appendix.  [default: beside the run]")
@click.option("--only", multiple=True, metavar="ID", help="These exhibits alone, such as retention.forest or 'incidents.*'; may be repeated.")
@click.option("--strict", is_flag=True, help="Exit code 1 when a figure breaks a rule.")
def appendix(run: str, journal: str | None, column: str, disclosure: str | None, out: str | None, only: tuple[str, ...], strict: bool) -> None:
    """Supplementary material for a paper: figures and tables numbered and made to a journal's rules.

    RUN is a run folder, or reports/COHORT for its latest run. The data are not
    needed. Figures that break a rule are named with the rule; rules.csv has all.
    """
    from mentorship_eval.cli.appending import append

    append(run, journal, disclosure, out, column, only, strict)


@cli.command()
@click.argument("cohort", required=False)
@click.option("--outcome", metavar="NAME", help="Of a cohort: harm (the default), no_harm, near_miss, all_incidents, or one of its counts.")
@click.option("--departments", type=int, metavar="N", help="On paper: number of departments.")
@click.option("--months", type=int, metavar="N", help="Number of months: on paper, or of a roll-out to come.")
@click.option("--exposure", type=float, metavar="DAYS", help="On paper: patient-days of a department in a month, on average.")
@click.option("--rate", type=float, metavar="EVENTS", help="On paper: events per 1,000 patient-days without the programme.")
@click.option("--waves", metavar="LIST", help="month:departments of each go-live, such as 12:8,18:8; the rest never.")
@click.option("--per", type=float, default=1000, show_default=True, metavar="DAYS", help="On paper: the patient-days that --rate is told per.")
@click.option("--overdispersion", type=float, metavar="X", help="Variance of rates around their mean, relative to its square. [paper: 0.1]")
@click.option("--autocorrelation", type=float, metavar="X", help="Correlation of neighbouring months. [paper: 0.3]")
@click.option("--ratios", metavar="LIST", help="Rate ratios at which power is shown, such as 0.7,0.8,0.9.")
@click.option("--target", type=float, default=0.8, show_default=True, metavar="X", help="Power that is wanted.")
@click.option("--alpha", type=float, default=0.05, show_default=True, metavar="X", help="Level of the two-sided test.")
@click.option("--min-controls", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="Untreated departments that a month needs.")
@click.option("--replicates", type=int, default=400, show_default=True, metavar="N", help="Simulations.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N", help="Seed of the random numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def power(cohort: str | None, outcome: str | None, ratios: str | None, as_json: bool, **options: Any) -> None:
    """Smallest rate ratio of incidents that a cohort, or a design on paper, can detect.

    \b
    mentorship-eval power data/demo                              as it was rolled out
    mentorship-eval power data/demo --waves 7:40 --months 24     a roll-out to come in its departments
    mentorship-eval power --departments 24 --months 36 --exposure 900 --rate 2 --waves 12:8,18:8
    """
    from mentorship_eval.cli.powering import show_power

    paper = {name: options.pop(name) for name in ("departments", "months", "exposure", "rate", "waves", "per")}
    show_power(cohort, outcome, paper, options, ratios=ratios, as_json=as_json)


@cli.command()
@click.argument("cohort")
@click.option("--out", required=True, metavar="FOLDER", help="New folder for the proposal: tables, and pairs.html to read.")
@click.option("--decisions", metavar="FILE", help="An earlier proposal.csv with its column decision filled in: accept, change:MENTOR or reject.")
@click.option("--weight", "weights", multiple=True, metavar="NAME=X",
              help="goals [0.4], field [0.2], concordance [0.2], preference [0.2], or unmatched [1], the cost of a mentee without a mentor.")
@click.option("--untrained", type=click.Choice(["leave_out", "allow"]), help="Mentors whose training is not completed or has expired [leave_out].")
@click.option("--scarce", type=click.Choice(["total", "equal"]),
              help="When places are scarce: the highest total of scores, or everybody the same claim, however easily suited [total].")
@click.option("--capacity", type=click.IntRange(0), metavar="N", help="Mentees at a time of mentors for whom no capacity is recorded [nobody].")
@click.option("--draws", type=click.IntRange(2, 100_000), metavar="N", help="Rounds of random pairs for comparison [100].")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of what is drawn [0].")
def match(cohort: str, out: str, decisions: str | None, weights: tuple[str, ...], **settings: Any) -> None:
    """Propose the next wave's pairs: the best under stated weights, each with its reason.

    Reads mentors, matches and staff, and wishes where there is such a table.
    Settings are kept under matching: in study.yaml; what is given here comes
    first. The files tell of single people: keep them with the data.

    \b
    mentorship-eval match my-cohort --out round1
    mentorship-eval match my-cohort --out round2 --decisions round1/proposal.csv
    """
    from mentorship_eval.cli.matching import propose_pairs

    propose_pairs(cohort, out, decisions, weights, **settings)


class _WithScenarios(click.Command):
    """Lists the scenarios below the options; they are fetched only when help is asked for."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from mentorship_eval.cohort.simulation.scenarios import SCENARIOS

        with formatter.section("Scenarios"):
            formatter.write_dl([(name, scenario.about) for name, scenario in SCENARIOS.items()])


@cli.command(cls=_WithScenarios)
@click.argument("folder", metavar="DIR")
@click.option("--scenario", default="default", show_default=True, metavar="NAME", help="One of those below.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N", help="Seed of the random numbers.")
@click.option("--outcomes", is_flag=True, help="With every optional table: surveys, projects, audits, costs, ...")
@click.option("--faults", metavar="WHICH", help="Of the scenario messy: none, exact, repairable (the default) or all.")
def simulate(folder: str, scenario: str, seed: int, outcomes: bool, faults: str | None) -> None:
    """Write a simulated cohort with known truth: tables, study.yaml, truth.json, and for messy also faults.json."""
    from mentorship_eval.cli.starting import write_simulated

    write_simulated(folder, scenario, seed, outcomes, faults)


@cli.command()
@click.option("--dir", "folder", default="mentorship-eval-notebooks", show_default=True, metavar="DIR", help="Where the copies go.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--copy-only", is_flag=True, help="Copy the notebooks and stop.")
@click.argument("jupyter", nargs=-1, metavar="[-- JUPYTER OPTIONS]")
def lab(folder: str, no_browser: bool, copy_only: bool, jupyter: tuple[str, ...]) -> None:
    """Copy the notebooks out, never over a copy of yours, and open them in JupyterLab."""
    from mentorship_eval.cli.laboratory import open_lab

    open_lab(folder, browser=not no_browser, start=not copy_only, options=jupyter)


def _fail(code: int, message: str) -> NoReturn:
    sys.stdout.flush()
    click.echo(f"mentorship-eval: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _terminated(*_: Any) -> NoReturn:
    # as with Ctrl-C: unwinding the stack removes what is half written
    sys.exit(143)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program; never returns."""
    words = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in words
    if debug:
        # wherever it stands: nobody wants to look up its place when something has just failed
        words = ["--debug", *(word for word in words if word != "--debug")]
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot print a minus sign of ours gets a question mark, not a failure
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, _terminated)
    try:
        cli.main(args=words, prog_name="mentorship-eval", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.Abort:
        _fail(130, "stopped.")
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" See `{context.command_path} --help`." if context is not None else ""
        _fail(USAGE, error.format_message() + hint)
    except KeyboardInterrupt:
        _fail(130, "stopped; nothing half-written was left.")
    except MentorshipEvalError as error:
        if debug:
            import traceback

            traceback.print_exc()
        _fail(USAGE if isinstance(error, UsageError) else DATA, str(error))
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
            sys.exit(FAILURE)
        _fail(FAILURE, f"{type(error).__name__}: {error} {_ISSUE}")
    sys.exit(DONE)
