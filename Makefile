# make demo: train on real data and show the result.   make test: run all tests.   make docs: the documentation, in docs/_build/html.
# Both need only python3 (3.11 or later, with venv), a C compiler and make; everything else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml setup.py $(wildcard fastgd/_kernels/*.pyx fastgd/_kernels/*.pxd fastgd/_kernels/*.h)

# Files of tests, at most four at a time: many of them start threads and processes of their own.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: demo test test-torch test-cuda fuzz check bench docs clean

demo: .venv/installed
	$(BIN)/fastgd demo

test: .venv/installed-test
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

# The comparisons with torch, which `make test` skips where torch is not installed.
test-torch: .venv/installed-torch
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/test_naive.py tests/test_optimizers.py tests/test_schedules.py tests/test_schedules_measured.py tests/test_schedules_modern.py tests/test_network.py tests/test_cuda_look.py

# A minute of damaged files for every reader; SECONDS=3600 for an hour each.
SECONDS ?= 60
fuzz: .venv/installed-test
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

# The CUDA kernels without a GPU: their machine code, and what their PTX computes on a stand-in for the driver; `make test` has them in
# Numba's simulator. FASTGD_CUDA_ALL=1: the machine code of all rules, the PTX of three generations.
# In an environment of its own: numba-cuda takes the place of Numba's own CUDA target, and brings half a gigabyte.
test-cuda: .venv/installed-cuda
	PYTHONPATH="$(CURDIR)" .venv-cuda/bin/python -m pytest $(SIDE_BY_SIDE) tests/test_cuda_sass*.py tests/test_cuda_ptx.py tests/test_cuda_launch.py
	PYTHONPATH="$(CURDIR)" .venv-cuda/bin/python -W ignore -m bench.gpu --sim

# What CI asks beyond the tests: generated code is fresh, style, types.
check: .venv/installed-dev
	$(BIN)/python -m fastgd._kernels.emit --check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint fastgd/_kernels
	$(BIN)/mypy

bench: .venv/installed-bench
	$(BIN)/python -m bench.report

# Runs the galleries; fetches nothing.
docs: .venv/installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("fastgd needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv || { echo "creating .venv failed: on Debian, apt-get install python3-venv"; rm -rf .venv; exit 1; }

# Install what an extra of pyproject.toml names, without building fastgd again.
define extra
$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["$(1)"], sep="\n")' > .venv/$(1).txt
$(BIN)/python -m pip install --quiet --requirement .venv/$(1).txt
endef

.venv/installed: .venv/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	$(call extra,plot)
	@touch $@

.venv/installed-test: .venv/installed
	$(call extra,test)
	@touch $@

.venv/installed-torch: .venv/installed-test
	$(BIN)/python -m pip install --quiet torch==2.13.0 expecttest
	@touch $@

# fastgd itself is not built again: the kernels of .venv lie in the source tree.
.venv/installed-cuda: .venv/installed-test
	$(PYTHON) -m venv .venv-cuda
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; e = p["optional-dependencies"]; print(*p["dependencies"], *e["cuda"], *e["test"], sep="\n")' > .venv/cuda.txt
	.venv-cuda/bin/python -m pip install --quiet --requirement .venv/cuda.txt nvidia-cuda-nvdisasm nvidia-cuda-cuobjdump
	@touch $@

.venv/installed-dev: .venv/installed-test
	$(call extra,dev)
	@touch $@

.venv/installed-docs: .venv/installed
	$(call extra,docs)
	@touch $@

.venv/installed-bench: .venv/installed-test
	$(call extra,bench)
	@touch $@

clean:
	rm -rf .venv .venv-cuda build dist *.egg-info
	rm -rf docs/_build docs/_catalogue docs/auto_* docs/generated docs/sg_execution_times.rst
	find fastgd -name '*.so' -delete
