# The verbs of the project. `make demo` and `make test` set everything up by themselves.
# Needed on the machine: Python 3.11 or newer, make and git.

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/python tools/run_uv.py
# small matrices everywhere: more BLAS threads only wait for one another
export OPENBLAS_NUM_THREADS ?= 1
# every kernel and every worker loads the package: where no bytecode may be kept, each compiles it again
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lab lint bench validate lock clean

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: .venv/.installed-user  ## evaluate the demo cohort into reports/
	$(BIN)/mentorship-eval demo --out reports

test: .venv/.installed-dev  ## run the tests (ARGS="-k cox" for some of them)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-slow: .venv/.installed-dev  ## run the slow tests, which `make test` leaves out
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow $(ARGS)

lab: .venv/.installed-user  ## open the notebooks in JupyterLab
	$(BIN)/mentorship-eval lab

lint: .venv/.installed-dev  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/.installed-dev  ## time whole runs, and survival beside R and its peers (see benchmarks/README.md)
	$(BIN)/python benchmarks/whole_runs.py
	$(BIN)/python benchmarks/survival_peers.py $(ARGS)

validate: .venv/.installed-dev  ## simulate: bias, coverage and size into docs/validation.md (hours; goes on where it stopped)
	$(BIN)/python -m validation.validate $(ARGS)

lock: .venv/.installed-dev  ## renew the locks and environment.yml from pyproject.toml
	$(BIN)/python tools/lock.py $(ARGS)

clean:  ## remove .venv and caches; reports stay
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up; each stamp says which lock is installed -------------------------------------------

.venv/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "uv>=0.4"
	@touch $@

.venv/.installed-user: .venv/.uv requirements.lock pyproject.toml
	$(UV) pip install --quiet --require-hashes -r requirements.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: .venv/.installed-user requirements-dev.lock
	$(UV) pip install --quiet --require-hashes --compile-bytecode -r requirements-dev.lock
	@touch $@
