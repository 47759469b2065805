#!/usr/bin/env bash
# Install what only the tests need of the system: PostgreSQL's programs, of which the tests run a server of their own.
#
#   tools/prepare_tests.sh
#
# On a system without apt-get the tests that need it are skipped, and say so.
set -euo pipefail

source "$(dirname "$0")/system_packages.sh"

if ! compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null && ! command -v initdb >/dev/null 2>&1; then
    if command -v apt-get >/dev/null 2>&1; then
        install_packages postgresql
    else
        echo "PostgreSQL is not installed: the tests of its record store will be skipped" >&2
    fi
fi
