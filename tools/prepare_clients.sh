#!/usr/bin/env bash
# Install the clients that the tests drive the server with: the SageMaker SDK, the AWS CLI and Node.js in .venvs/clients,
# where their pins meet none of ours, and the SDK for JavaScript beside its tests.
#
#   tools/prepare_clients.sh [python]      python: without the SDK for JavaScript
#
# Node.js comes from the lock file too: that of many systems is older than the SDK asks for.
set -euo pipefail

give_up() {
    echo "error: the clients could not be installed, and their tests will fail; without them: make test ARGS='-m \"not clients\"'" >&2
}
trap give_up ERR

echo "installing $(grep -c == requirements-clients.lock) packages into .venvs/clients"
if [ ! -x .venvs/clients/bin/python ]; then
    .venv/bin/python -m venv .venvs/clients
fi
PIP_DISABLE_PIP_VERSION_CHECK=1 .venvs/clients/bin/python -m pip install --quiet -r requirements-clients.lock
if [ "${1:-}" != python ]; then
    PATH="$PWD/.venvs/clients/bin:$PATH" npm ci --prefix tests/clients/javascript --ignore-scripts --no-audit --no-fund \
        --loglevel error
fi
