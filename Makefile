# Set-up, and the commands of the README. What is built, and from what, is Snakemake's business: see Snakefile.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup reproduce test test-torch test-teachers test-tunix lint bench check-tpu-memory

# Where this is set, every process compiles all that it imports: 7 s of processor for PyTorch with TRL, 3 s for JAX with Tunix.
unexport PYTHONDONTWRITEBYTECODE

ARGS ?=
PYTHON ?= $(firstword $(foreach python,python3.11 python3 python,$(if $(filter 3.11,$(shell $(python) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)),$(python))))
TEST := .venv-test/bin
TEST_TEACHER := .venv-test-teacher/bin
TEST_TUNIX := .venv-test-tunix/bin
PINS := requirements.txt requirements-dev.txt requirements-pytest.txt $(filter-out envs/teacher.yaml envs/tunix.yaml envs/tpu.yaml,$(sort $(wildcard envs/*.yaml)))
PINS_TEACHER := requirements-pytest.txt envs/teacher.yaml
PINS_TUNIX := requirements-pytest.txt requirements-pytest-tunix.txt envs/tunix.yaml

help:
	@echo "make setup       the controller: Snakemake and uv in .venv"
	@echo "make reproduce   set-up, then the configured studies (ARGS='--config scale=small' or any other Snakemake argument)"
	@echo "make test        its own set-up in .venv-test, then lint and tests (ARGS='tests/unit -k reward': those alone)"
	@echo "make test-torch      only the tests that train and predict by PyTorch"
	@echo "make test-teachers   only the tests that need LiteLLM, which has an environment of its own"
	@echo "make test-tunix      only the tests that need Tunix, likewise apart"
	@echo "make lint        ruff, snakefmt and snakemake --lint"
	@echo "make check-tpu-memory  the full study's programs compiled for v5e chips: what they need of each (half an hour)"
	@echo "make bench       teachers, judging, filters, training, both backends, and the study's wall time (results/bench/)"

setup: .venv/complete

# The stamp is written last: a set-up that was killed is done again from the start.
.venv/complete: requirements.txt
	@if [ -z "$(PYTHON)" ]; then echo "primum: No Python 3.11 found. Remedy: Install python3.11, or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; fi
	@echo "Setting up the controller in .venv (once)"
	@$(PYTHON) -m venv --clear .venv || { echo "primum: $(PYTHON) cannot make virtual environments. Remedy: Install its venv module (Debian: python3.11-venv)." >&2; exit 2; }
	@.venv/bin/pip install --quiet --requirement requirements.txt
	@touch $@

reproduce: setup
	@bin/reproduce $(ARGS)

# One environment with the pins of all jobs, so that a test may import any module; but LiteLLM fits with none of the others.
.venv-test/complete: .venv/complete bin/conda $(PINS)
	@echo "Setting up the test environment in .venv-test (once)"
	@rm -rf .venv-test
	@.venv/bin/python bin/conda env create --prefix .venv-test $(PINS:%=--file %)
	@touch $@

.venv-test-teacher/complete: .venv/complete bin/conda $(PINS_TEACHER)
	@echo "Setting up the test environment of the teachers in .venv-test-teacher (once)"
	@rm -rf .venv-test-teacher
	@.venv/bin/python bin/conda env create --prefix .venv-test-teacher $(PINS_TEACHER:%=--file %)
	@touch $@

.venv-test-tunix/complete: .venv/complete bin/conda $(PINS_TUNIX)
	@echo "Setting up the test environment of Tunix in .venv-test-tunix (once)"
	@rm -rf .venv-test-tunix
	@.venv/bin/python bin/conda env create --prefix .venv-test-tunix $(PINS_TUNIX:%=--file %)
	@touch $@

# On two cores: whole workflows and what is light on one, what trains on the other, whose report comes last.
PYTEST := PATH="$(CURDIR)/$(TEST):$$PATH" PYTHONPATH=src PYTHONHASHSEED=0 OMP_NUM_THREADS=1 $(TEST)/python -m pytest
BESIDE := .primum/tests-beside.log
TRAINS := tests/unit/evaluation tests/unit/training

ifeq ($(ARGS),)
test: lint .venv-test-teacher/complete .venv-test-tunix/complete
	@mkdir -p .primum
	@set +e; $(MAKE) --no-print-directory --keep-going test-teachers test-tunix test-torch >$(BESIDE) 2>&1 & beside=$$!; \
	trap 'kill $$beside 2>/dev/null' INT TERM; \
	$(PYTEST) $(TRAINS:%=--ignore %); status=$$?; \
	wait $$beside || status=1; cat $(BESIDE); exit $$status
else
test: lint
	@$(PYTEST) $(ARGS)
endif

test-torch: .venv-test/complete
	@$(PYTEST) $(TRAINS) $(ARGS)

test-teachers: .venv-test-teacher/complete
	@PYTHONPATH=src PYTHONHASHSEED=0 OMP_NUM_THREADS=1 $(TEST_TEACHER)/python -m pytest tests/teachers $(ARGS)

test-tunix: .venv-test-tunix/complete
	@PYTHONPATH=src PYTHONHASHSEED=0 OMP_NUM_THREADS=1 $(TEST_TUNIX)/python -m pytest tests/tunix $(ARGS)

lint: .venv-test/complete
	@$(TEST)/ruff check --quiet --output-format concise .
	@$(TEST)/ruff format --check --quiet .
	@$(TEST)/snakefmt --check --compact-diff Snakefile rules
	@PATH="$(CURDIR)/$(TEST):$$PATH" $(TEST)/snakemake --lint

check-tpu-memory: .venv-test-tunix/complete
	@PYTHONPATH=src $(TEST_TUNIX)/python scripts/check_tpu_memory.py

bench: .venv-test/complete .venv-test-teacher/complete .venv-test-tunix/complete
	@mkdir -p results/bench
	@export PATH="$(CURDIR)/$(TEST):$$PATH" PYTHONPATH=src PYTHONHASHSEED=0; \
	echo "== bench_teachers"; $(TEST_TEACHER)/python scripts/bench_teachers.py 2>&1 | tee results/bench/teachers.txt; \
	for part in verdicts filters training backends study; do echo "== bench_$$part"; $(TEST)/python scripts/bench_$$part.py 2>&1 | tee results/bench/$$part.txt; done
