# PneumoServe. `make help` lists what there is; `make run` and `make test` do all their set-up themselves.
PYTHON ?= python3
TORCH ?= torch==2.13.0
# Without a GPU PyTorch's build for the CPU will do, a tenth of the size; where its index is out of reach pip takes PyPI's build.
TORCH_INDEX ?= $(if $(shell which nvidia-smi 2>/dev/null),,--extra-index-url https://download.pytorch.org/whl/cpu --retries 1)
RUN ?= first
# Options of `train`, such as TRAIN="--epochs 2".
TRAIN ?=
CHAOS_IMAGES ?= 10000
IMAGES_FOLDER ?= /var/tmp/pneumoserve-images
OSV ?= https://api.osv.dev/v1/query
# test.txt holds all of run.txt, gateway.txt and worker.txt; what is measured against (bench*.txt) is not ours to mend.
AUDITED := $(patsubst %,requirements/%.txt,test trainer tritonserver tritonstub audit)
SERVE := .venv/bin
TRAINER := .venv-trainer/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps
MARK_RUN := .venv/.installed-run
MARK_TEST := .venv/.installed-test
MARK_TRITON := .venv-triton/.installed
MARK_TRAINER := .venv-trainer/.installed
MARK_AUDIT := .venv-audit/.installed
MARK_PEERS := .venv-bench/.installed .venv-bench-mlserver/.installed

.DEFAULT_GOAL := help
.PHONY: help run demo test test-unit test-integration test-acceptance test-trainer chaos bench bench-peers images check format lock \
	licences audit install install-trainer release train clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(MARK_RUN) $(MARK_TRITON) ## Start everything on loopback, judge the sample films, stay until Ctrl-C
	@$(SERVE)/python -m deploy.local

demo: $(MARK_RUN) $(MARK_TRITON) ## The same, but stop after the table of findings
	@$(SERVE)/python -m deploy.local --once

test: test-unit test-trainer test-integration test-acceptance ## All tests: unit, trainer, integration, acceptance

test-unit: $(MARK_TEST) ## Seconds, no network
	$(SERVE)/python -m pytest tests/unit --ignore-glob="tests/unit/test_trainer_*"

test-trainer: $(MARK_TRAINER) ## The trainer's tests, in its own environment
	$(TRAINER)/python -m pytest tests/unit/test_trainer_*.py

test-integration: $(MARK_TEST) $(MARK_TRITON) ## Real Redis, real Triton, real Celery
	$(SERVE)/python -m pytest tests/integration

test-acceptance: $(MARK_TEST) $(MARK_TRITON) ## The whole stack and a real browser
	$(SERVE)/python -m pytest tests/acceptance

chaos: $(MARK_TEST) ## Break a running stack in every way of bench/chaos, count, write docs/reliability.md
	$(SERVE)/python -m bench.chaos --images $(CHAOS_IMAGES) --write

bench: $(MARK_TEST) $(MARK_TRITON) bench-peers ## Measure everything (about 25 minutes, on a quiet machine), write docs/performance.md
	$(SERVE)/python -m bench all --write

bench-peers: $(MARK_PEERS) ## Install what people would use instead, each to be measured beside ours

images: $(MARK_TEST) $(MARK_TRITON) ## Build our images with buildah (Debian, as root; minutes, gigabytes), run gateway and worker in them
	@for program in buildah debootstrap; do command -v $$program >/dev/null || { echo "$$program is not installed" >&2; exit 1; }; done
	IMAGES_FOLDER=$(IMAGES_FOLDER) TORCH="$(TORCH)" $(SERVE)/python -m pytest -s tests/images

check: $(MARK_TEST) ## Format, lint, types, import layers, generated files
	$(SERVE)/ruff format --check .
	$(SERVE)/ruff check .
	$(SERVE)/mypy
	$(SERVE)/lint-imports
	$(SERVE)/python -m trainer config --check

format: $(MARK_TEST) ## Let ruff write the format
	$(SERVE)/ruff format .
	$(SERVE)/ruff check --fix .

train: $(MARK_TRAINER) ## Train a model: make train RUN=name TRAIN="--epochs 2"
	$(TRAINER)/python -m trainer prepare --run $(RUN)
	$(TRAINER)/python -m trainer train --run $(RUN) $(TRAIN)

release: train ## Train, calibrate, evaluate, export, gate, publish: make release RUN=name TRAIN="..."
	for step in calibrate evaluate export gate "publish --no-reload"; do \
	  $(TRAINER)/python -m trainer $$step --run $(RUN) || exit 1; \
	done

install: $(MARK_RUN) $(MARK_TRITON) ## Install what `make run` needs, and nothing else

install-trainer: $(MARK_TRAINER) ## Install the trainer with PyTorch into .venv-trainer

lock: $(MARK_TEST) ## Resolve the dependencies of pyproject.toml anew into requirements/
	$(SERVE)/pip install --quiet uv
	for lock in "test --extra gateway --extra local --extra dev" \
	    "run --extra gateway --extra local -c requirements/test.txt" \
	    "gateway --extra gateway -c requirements/test.txt" "worker -c requirements/test.txt" \
	    "trainer --extra trainer --extra testing -c requirements/test.txt"; do \
	  set -- $$lock; name=$$1; shift; \
	  $(SERVE)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    pyproject.toml "$$@" -o requirements/$$name.txt || exit 1; \
	done
	for name in bench bench-mlserver audit; do \
	  $(SERVE)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

licences: $(MARK_AUDIT) $(MARK_TEST) $(MARK_TRAINER) ## Write docs/licences.md from what is installed
	@sed -i '/^## /,$$d' docs/licences.md
	@served="$$(grep -ohE '^[a-z0-9._-]+' requirements/gateway.txt requirements/worker.txt)"; \
	tested="$$(grep -ohE '^[a-z0-9._-]+' requirements/test.txt)"; \
	list() { printf '\n## %s\n\n' "$$1"; python="$$2"; shift 2; \
	  .venv-audit/bin/pip-licenses --python "$$python" --with-system --from=mixed --no-version --format=markdown "$$@"; }; \
	{ list "Gateway and worker" $(SERVE)/python --packages $$served; \
	  list "What the embedded stack and the tests add" $(SERVE)/python --ignore-packages $$served; \
	  list "What the trainer adds" $(TRAINER)/python --ignore-packages $$served $$tested; } | cat -s >> docs/licences.md

audit: ## Look up known vulnerabilities of every locked version, where the advisories (osv.dev) can be reached
	@if curl --silent --fail --output /dev/null --max-time 20 $(OSV) \
	    --data '{"package": {"name": "pillow", "ecosystem": "PyPI"}, "version": "2.0"}'; then \
	  $(MAKE) --no-print-directory $(MARK_AUDIT) && echo "$(TORCH)" > .venv-audit/torch.txt || exit 1; found=0; \
	  look_up() { .venv-audit/bin/pip-audit --strict --progress-spinner off --vulnerability-service osv --osv-url $(OSV) \
	    --disable-pip "$$@" || found=1; }; \
	  for lock in $(AUDITED); do echo "$$lock:"; look_up -r $$lock; done; look_up --no-deps -r .venv-audit/torch.txt; exit $$found; \
	else echo "NOT LOOKED UP: known vulnerabilities; $(OSV) cannot be reached from here"; fi

clean: ## Remove environments, caches, decoded films and everything the local stack wrote
	rm -rf runs/.pixels .venv .venv-trainer .venv-triton .venv-bench .venv-bench-mlserver .venv-audit .local artifacts build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv-triton/bin/python:
	$(PYTHON) -m venv .venv-triton

.venv-trainer/bin/python:
	$(PYTHON) -m venv .venv-trainer

$(MARK_RUN): requirements/run.txt requirements/tritonserver.txt pyproject.toml | .venv/bin/python
	@echo "Installing into .venv (a minute or two) ..."
	$(SERVE)/python $(PIP_INSTALL) --require-hashes -r requirements/run.txt
	$(SERVE)/python $(PIP_INSTALL) --require-hashes -r requirements/tritonserver.txt
	@touch $@

$(MARK_TRITON): requirements/tritonstub.txt | .venv-triton/bin/python
	@echo "Installing the numpy of the embedded Triton's Python backend into .venv-triton ..."
	.venv-triton/bin/python $(PIP_INSTALL) --require-hashes -r requirements/tritonstub.txt
	@touch $@

$(MARK_TEST): requirements/test.txt $(MARK_RUN)
	@echo "Installing the development tools into .venv (about a minute) ..."
	$(SERVE)/python $(PIP_INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

$(MARK_TRAINER): requirements/trainer.txt pyproject.toml | .venv-trainer/bin/python
	@echo "Installing the trainer with PyTorch into .venv-trainer (a few minutes) ..."
	$(TRAINER)/python -m pip install --quiet --disable-pip-version-check $(TORCH_INDEX) "$(TORCH)"
	$(TRAINER)/python $(PIP_INSTALL) --require-hashes -r requirements/trainer.txt
	@touch $@

$(MARK_AUDIT): requirements/audit.txt
	@echo "Installing pip-audit and pip-licenses into .venv-audit ..."
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python $(PIP_INSTALL) --require-hashes -r requirements/audit.txt
	@touch $@

.venv-bench/.installed .venv-bench-mlserver/.installed: .venv-%/.installed: requirements/%.txt
	@echo "Installing peers into .venv-$* ..."
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH_INDEX) "$(TORCH)"
	.venv-$*/bin/python $(PIP_INSTALL) --require-hashes -r requirements/$*.txt
	@touch $@
