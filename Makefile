# One word for each daily act. `make demo` and `make test` do all the set-up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo
PEERS := .venv-peers
SPEED := .venv-speed
# The runtime: what runs models. Its tests also run where there is nothing else.
DEVICE := .venv-device
EXECUTORCH := .venv-executorch
API := .venv-api
API_PORT := 8765
SITE := .venv-docs
DEVICE_TESTS := $(addprefix tests/,imageio signals synthetic metrics datasets inference apps evaluation cli/test_models.py cli/test_scenes_command.py test_config.py test_runtime_alone.py)

.PHONY: demo test test-long test-device test-openvino test-executorch test-api test-web check format docs docs-site bench speed peers web dist clean

# The virtual environment with exact versions; made anew when they change.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: $(READY) ## Images, a training, scores, masks, signals and pictures, in about two minutes.
	rm -rf $(DEMO)
	$(BIN)/lmsc data nuclei $(DEMO)/train --count 40 --size-px 256 --seed 0
	$(BIN)/lmsc data nuclei $(DEMO)/new --count 6 --size-px 512 --seed 1
	$(BIN)/lmsc data check $(DEMO)/train
	$(BIN)/lmsc train $(DEMO)/train --out $(DEMO)/run --epochs 8 --validate-every 2
	$(BIN)/lmsc evaluate $(DEMO)/run $(DEMO)/new --split all --out $(DEMO)/scores
	$(BIN)/lmsc predict $(DEMO)/run $(DEMO)/new/images --out $(DEMO)/masks
	$(BIN)/lmsc scenes $(DEMO)/radio --count 1 --samples 1048576 --sample-rate-hz 1e6
	$(BIN)/lmsc detect $(DEMO)/radio --out $(DEMO)/signals
	@echo
	@echo "Look at:"
	@echo "  $(DEMO)/run/curves.png         the training"
	@echo "  $(DEMO)/run/predictions.png    input, truth and prediction"
	@echo "  $(DEMO)/scores/                scores of new images, the best and the worst"
	@echo "  $(DEMO)/masks/overlays/        masks drawn on new images"
	@echo "  $(DEMO)/signals/*/spectrogram.png  signals found in a recording"

test: $(READY) ## The fast tests, in a few minutes on two cores.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal

test-long: $(READY) ## The campaigns of damaged and hostile input in full, in about ten minutes on two cores.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m long

# The bare package, and onnx only to write the files that tests read.
$(DEVICE)/.ready: pyproject.toml constraints.txt
	test -x $(DEVICE)/bin/python || $(PYTHON) -m venv $(DEVICE)
	$(DEVICE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . hypothesis onnx pytest pytest-xdist
	touch $@

test-device: $(DEVICE)/.ready ## The tests of what runs models, where PyTorch is not installed.
	@! $(DEVICE)/bin/python -c "import torch" 2>/dev/null || { echo "$(DEVICE) holds PyTorch: remove the folder."; exit 1; }
	OMP_NUM_THREADS=1 $(DEVICE)/bin/python -m pytest -q -n 2 --dist worksteal $(DEVICE_TESTS)

test-openvino: $(SPEED)/.ready ## The tests of what OpenVINO runs; none of them may be skipped.
	$(SPEED)/bin/python -c "import openvino"
	OMP_NUM_THREADS=1 $(SPEED)/bin/python -m pytest -q -m openvino tests/export tests/inference tests/apps

# Sees all that is in the other environment, and ExecuTorch with its 23 packages besides (333 MB).
$(EXECUTORCH)/.ready: $(READY)
	test -x $(EXECUTORCH)/bin/python || $(PYTHON) -m venv $(EXECUTORCH)
	site=$$($(BIN)/python -c "import site; print(site.getsitepackages()[0])"); \
	own=$$($(EXECUTORCH)/bin/python -c "import site; print(site.getsitepackages()[0])"); \
	echo "import site; site.addsitedir('$$site')" > $$own/lmsc.pth
	$(EXECUTORCH)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt executorch
	touch $@

test-executorch: $(EXECUTORCH)/.ready ## The tests of what ExecuTorch runs, in some minutes; docs/how-to/export.md tells how the last ones ended.
	$(EXECUTORCH)/bin/python benchmarks/pte.py
	$(BIN)/python docs/refresh.py docs/how-to/export.md

# Schemathesis brings 30 packages, none of which a server needs.
$(API)/.ready: $(READY)
	test -x $(API)/bin/python || $(PYTHON) -m venv $(API)
	$(API)/bin/python -m pip install --quiet --disable-pip-version-check "schemathesis>=4,<5"
	touch $@

test-api: $(API)/.ready ## Requests generated from the server's OpenAPI description: none may end in 5xx or in an undescribed type.
	$(BIN)/lmsc serve --port $(API_PORT) & server=$$!; trap "kill $$server" EXIT; \
	$(API)/bin/schemathesis run http://127.0.0.1:$(API_PORT)/openapi.json --wait-for-schema 30 --max-examples 40 \
	  --checks not_a_server_error,content_type_conformance,response_headers_conformance,unsupported_method

check: $(READY) ## Style, types and layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Puts style right where a tool can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## Brings the numbers and tables in docs/ and README up to date with the code.
	$(BIN)/python docs/refresh.py

# Holds the site generator alone: it reads docstrings from the source and imports nothing of ours.
$(SITE)/.ready: docs/requirements.txt constraints.txt
	test -x $(SITE)/bin/python || $(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r docs/requirements.txt
	touch $@

docs-site: $(SITE)/.ready ## The documentation as a site in site/; a broken link, anchor or name fails the build.
	rm -rf site
	$(SITE)/bin/zensical build --strict --clean -f mkdocs.yml

# Sees all that is in the other environment, and OpenVINO besides (206 MB), which predictions would take by themselves there.
$(SPEED)/.ready: $(READY)
	test -x $(SPEED)/bin/python || $(PYTHON) -m venv $(SPEED)
	site=$$($(BIN)/python -c "import site; print(site.getsitepackages()[0])"); \
	own=$$($(SPEED)/bin/python -c "import site; print(site.getsitepackages()[0])"); \
	echo "import site; site.addsitedir('$$site')" > $$own/lmsc.pth
	$(SPEED)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt openvino
	touch $@

# What `make speed` times, beside the paper's three networks: runs, exported files, bundled names.
MODELS ?=
speed: $(SPEED)/.ready ## Times networks, runtimes and precisions into benchmarks/results, and docs/how-to/export.md with it. Needs a quiet machine.
	$(SPEED)/bin/python -m lmsc_unet.cli benchmark unet lmsc-unet-plain lmsc-unet $(MODELS) --precisions fp32,bf16,int8 --threads 1,2 --out benchmarks/results
	$(BIN)/python docs/refresh.py docs/how-to/export.md

bench: $(READY) ## Prints speed as ratios; results go to benchmarks/results.
	$(BIN)/python benchmarks/training.py

# The peers of `lmsc reproduce peers` need torchvision, which must not come near the other environment (CONTRIBUTING).
# Theirs sees all that is in the other one and holds what they need besides.
$(PEERS)/.ready: $(READY) benchmarks/peers.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	site=$$($(BIN)/python -c "import site; print(site.getsitepackages()[0])"); \
	own=$$($(PEERS)/bin/python -c "import site; print(site.getsitepackages()[0])"); \
	echo "import site; site.addsitedir('$$site')" > $$own/lmsc.pth
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r benchmarks/peers.txt
	touch $@

peers: $(PEERS)/.ready ## The environment of `lmsc reproduce peers`.

# The page: web/setup.sh installs Node.js if it is missing. The examples are invented, the licences those of the package.
PAGE := src/lmsc_unet/apps/serve/page
ONNXRUNTIME = $(shell $(BIN)/python -c "import importlib.util as u; print(u.find_spec('onnxruntime').submodule_search_locations[0])")
PAGE_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/.unit -prune -o -path web/public/examples -prune -o -type f -print)
web: $(PAGE)/index.html ## The web page, into the package; runs models in the browser.
$(PAGE)/index.html: $(READY) $(PAGE_SOURCES) $(wildcard src/lmsc_unet/weights/*-int8.onnx)
	web/setup.sh
	rm -rf web/public/examples
	$(BIN)/python web/make_examples.py web/public/examples
	cd web && ONNXRUNTIME=$(ONNXRUNTIME) npm run --silent build
	$(BIN)/python web/measure.py $(PAGE)

SHOTS ?= .cache/page
test-web: web ## Drives the page in Chromium: every flow, parity with `lmsc predict`, accessibility. Pictures go to .cache/page.
	web/setup.sh chromium
	cd web && npm run --silent test:unit
	rm -rf $(SHOTS) && mkdir -p $(SHOTS)
	$(BIN)/python web/make_cases.py $(SHOTS)/cases
	cd web && node .unit/test/browser/run.js ../$(PAGE) ../$(SHOTS)

dist: $(READY) web ## Wheel and sdist in dist/.
	rm -rf dist
	$(BIN)/python -m build --quiet
	@ls -l dist

clean:
	rm -rf $(VENV) $(SPEED) $(DEVICE) $(EXECUTORCH) $(API) $(PEERS) $(SITE) $(DEMO) $(PAGE) web/node_modules web/.unit web/public/examples dist site .cache
