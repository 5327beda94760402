# `make check` is what CI runs, after its own installation.
.PHONY: check lint test format

check: lint test

lint:
	ruff format --check .
	ruff check .
	mypy
	lint-imports

test:
	pytest

format:
	ruff format .
	ruff check --fix .
