# `make demo` and `make test` prepare the checkout themselves; see README.md.
PY = .venv/bin/python
.PHONY: demo test lint types bench setup lock messages
.DEFAULT_GOAL := demo

demo:
	@scripts/demo.sh

test:
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory lint types
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m pytest -n auto --dist worksteal $(ARGS)

lint:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/lint-imports

types:
	$(PY) -m mypy .

bench:
	@scripts/setup.sh demo
	@$(PY) manage.py bench all $(ARGS)

setup:
	@scripts/setup.sh test

# After editing requirements*.in: install what they say, then write down what that gave.
lock:
	$(PY) -m pip install --upgrade -r requirements.in -r requirements-dev.in
	$(PY) scripts/lock.py

# New words to translate, into locale/ and the rooms' own.
messages:
	$(PY) manage.py makemessages
	@scripts/setup.sh test
