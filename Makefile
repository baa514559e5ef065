# Every entry point of the project. The work is done by tools/run.py, under the newest supported
# Python of this machine (on the PATH or under pyenv's versions); cargo has to be on the PATH.

PYTHON ?= $(shell tools/pythons.sh newest)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint bench deep wheel clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build for the newest Python found and run the demonstration
	@$(PYTHON) tools/run.py demo

test: ## everything CI runs: lint, Rust, sanitizers, fuzzing, Python 3.11 to 3.13 (25 minutes)
	@$(PYTHON) tools/run.py test

check: ## the quick loop: lint, Rust tests, most tests of the newest Python (3 minutes)
	@$(PYTHON) tools/run.py check

lint: ## ruff, mypy, stubtest, import-linter, rustfmt, clippy
	@$(PYTHON) tools/run.py lint

bench: ## benchmarks of the core and of the package
	@$(PYTHON) tools/run.py bench

deep: ## what test does, for hours: long fuzzing, thousands of kills, every planted mistake
	@$(PYTHON) tools/run.py deep

wheel: ## one wheel per Python version in dist/, each tried in a fresh environment
	@$(PYTHON) tools/run.py wheel

clean: ## remove everything that was built
	rm -rf target build dist .venv* .*_cache .hypothesis rust/core/fuzz/target rust/core/fuzz/artifacts
	find python tests tools benches -name __pycache__ -prune -exec rm -rf {} +
