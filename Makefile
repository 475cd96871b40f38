PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
SEEN := $(VENV)/.seen

# The demo keeps its world and its journals below .batchwright, and nothing anywhere else.
DEMO := .batchwright/demo
BATCHWRIGHT := XDG_STATE_HOME="$(CURDIR)/$(DEMO)" BATCHWRIGHT_PROVIDER=simulator $(BIN)/batchwright
SIMULATED := --simulator-file $(DEMO)/simulator.db --speed 30

.PHONY: help demo demo-controller test lint bench performance explore fuzz docs clean

help:
	@echo "make demo    plan, apply and plan again on the embedded simulator"
	@echo "make demo-controller"
	@echo "             a controller keeps three stacks of a repository: a commit, a webhook, drift (SPEED=20: of the simulator)"
	@echo "make test    format, lint, types, import contracts, tests with coverage"
	@echo "make lint    the same without the tests"
	@echo "make bench   speed, memory and calls, as ratios within one run: ten minutes on two cores (BENCH=--quick: two)"
	@echo "make performance"
	@echo "             the same, which renews docs/performance.md and the baseline"
	@echo "make explore a death at every call of every scenario; each rule of the simulator switched off, and the test that"
	@echo "             fails without it; histories of SEEDS seeds, for MINUTES minutes at most"
	@echo "make fuzz    MINUTES=1 of atheris for each target that reads what nobody vouches for"
	@echo "make docs    renew the rules in docs/simulator.md, the fields in docs/fields.md, and docs/schemas"
	@echo "make clean   remove what the others made"

demo: $(SEEN)/run
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BATCHWRIGHT) plan examples/genomics $(SIMULATED)
	$(BATCHWRIGHT) apply examples/genomics $(SIMULATED) --auto-approve
	$(BATCHWRIGHT) plan examples/genomics $(SIMULATED)

demo-controller: SPEED ?= 20
demo-controller: $(SEEN)/controller
	$(BIN)/python examples/controller/demo.py --folder $(DEMO)-controller --speed $(SPEED)

lint: $(SEEN)/develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses 2 --cov --cov-report=term

BENCH :=
bench: $(SEEN)/develop
	@mkdir -p .batchwright
	$(BIN)/python -m benchmarks --json .batchwright/bench.json --plot .batchwright/bench.svg $(BENCH)

performance: $(SEEN)/develop
	$(BIN)/python -m benchmarks --page docs/performance.md --plot docs/performance.svg --keep $(BENCH)

explore: SEEDS ?= 10000
explore: MINUTES ?= 30
explore: $(SEEN)/develop
	$(BIN)/python -m tests.exploration.sweep
	$(BIN)/python -m tests.exploration.rules
	$(BIN)/python -m tests.exploration.seeds --seeds $(SEEDS) --minutes $(MINUTES)
	$(BIN)/python -m tests.exploration.planted --seeds 500

fuzz: MINUTES ?= 1
fuzz: $(SEEN)/develop
	$(PIP) --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzzing --minutes $(MINUTES)

# What stands below the markers is made anew: from the rules of the simulator, and from what is known of the fields.
docs: $(SEEN)/run
	{ sed '/^<!-- rules:/q' docs/simulator.md && echo && $(BIN)/batchwright simulator rules --markdown; } > docs/simulator.new
	mv docs/simulator.new docs/simulator.md
	{ sed '/^<!-- fields:/q' docs/fields.md && echo && $(BIN)/batchwright explain --markdown; } > docs/fields.new
	mv docs/fields.new docs/fields.md
	$(BIN)/batchwright schema --folder docs/schemas

clean:
	rm -rf $(VENV) $(DEMO) $(DEMO)-controller build .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

$(SEEN)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Batchwright needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(SEEN) && touch $@

$(SEEN)/run: $(SEEN)/made setup.cfg pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

$(SEEN)/controller: $(SEEN)/made setup.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[controller]'
	@touch $(SEEN)/run $@

$(SEEN)/develop: $(SEEN)/made setup.cfg pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $(SEEN)/run $(SEEN)/controller $@
