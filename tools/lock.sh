#!/usr/bin/env bash
# Resolve pyproject.toml into the lock files: exact versions for every platform and every Python that is supported. The
# clients of the tests are resolved by themselves, those in JavaScript by the npm among them.
#
#   tools/lock.sh [--upgrade]
#
# Pins that still fit are kept unless --upgrade is given. The files name no place to download from: that is a setting of
# pip and npm.
set -euo pipefail

export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
        --no-annotate "$@"
}

compile "$@" pyproject.toml -o requirements.lock
compile "$@" --constraint requirements.lock --extra dev pyproject.toml -o requirements-dev.lock
compile "$@" --constraint requirements-dev.lock --extra networks pyproject.toml -o requirements-networks.lock
# What a build of torch needs of CUDA it asks for by itself; its build for CPUs, where pip finds one, needs nothing.
sed -i -E '/^(cuda-|nvidia-|triton=)/d' requirements-networks.lock

compile "$@" --constraint requirements.lock --group pyproject.toml:serving -o requirements-serving.lock

build_requirements() {
    sed -n '/^\[build-system\]/,/^$/s/^requires = \[\(.*\)\]/\1/p' pyproject.toml | tr -d '" ' | tr ',' '\n'
    echo editables # what hatchling asks for when it installs in place
}
build_requirements | compile "$@" --constraint requirements-dev.lock - -o requirements-build.lock

compile "$@" --group pyproject.toml:clients -o requirements-clients.lock
bash tools/prepare_clients.sh python
if [[ " $* " == *" --upgrade "* ]]; then
    rm -f tests/clients/javascript/package-lock.json
fi
PATH="$PWD/.venvs/clients/bin:$PATH" npm install --prefix tests/clients/javascript --package-lock-only \
    --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel error
