# A convenience over `uv run …`; README gives the same commands for Windows and macOS.
# Bytecode makes every start about 2.5 times quicker, so a PYTHONDONTWRITEBYTECODE from outside is dropped.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/bash
RUN := .venv/bin/
# Twice the cores of CI's machine: a third of the suite's time is waiting for servers.
WORKERS ?= 4

.PHONY: setup demo run test test-safety test-all lint format bench screenshots libraries lab-packages build clean

setup: .venv/.ready

.venv/.ready: pyproject.toml uv.lock installers/get-uv.sh
	@uv=$$(bash installers/get-uv.sh) && "$$uv" sync --frozen --group serving --compile-bytecode --quiet
	@touch $@

libraries: setup
	@bash installers/qt-libraries.sh

demo: libraries
	@$(RUN)kronkers demo

run: libraries
	@$(RUN)kronkers-studio --demo

# File by file, in the order that tests/conftest.py gives them.
SPREAD = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: libraries lab-packages
	@$(RUN)python -m pytest $(SPREAD) -m "not slow and not safety"

# The slow tests that guard data and safety: power cuts, kills, failing flushes, flipped bytes, random lives, protections
# taken away, engines that lie, stolen ports. The window's smoothness has bounds on time, and so the machine for itself.
test-safety: libraries lab-packages
	@$(RUN)python -m pytest -n $(WORKERS) --dist worksteal -m "safety and not slow"
	@$(RUN)python -m pytest -m slow tests/desktop/test_smoothness.py

test-all: libraries lab-packages
	@$(RUN)python -m pytest $(SPREAD)

lint: setup
	@$(RUN)ruff check .
	@$(RUN)ruff format --check .
	@$(RUN)mypy
	@$(RUN)lint-imports

format: setup
	@$(RUN)ruff check --fix .
	@$(RUN)ruff format .

bench: setup
	@$(RUN)python -m benchmarks

screenshots: libraries
	@$(RUN)python -m kronkers_studio.desktop.screenshots screenshots

lab-packages: setup
	@sh tests/lab/install.sh || [ $$? = 3 ]  # 3: not allowed here; the tests say so themselves

build: setup
	@$(RUN)python build_spec.py

clean:
	rm -rf .venv .tools build dist screenshots .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
