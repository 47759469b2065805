#!/usr/bin/env bash
# Make .venv with a Python that is new enough, after installing the few system packages that are needed and missing.
#
#   tools/prepare.sh [PYTHON]
#
# tools/system_packages.sh says how packages are installed.
set -euo pipefail

oldest="3.11"

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$oldest'.split('.'))))" 2>/dev/null
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$name"; then
            echo "$name"
            return
        fi
    done
}

source "$(dirname "$0")/system_packages.sh"

python="${1:-$(find_python)}"
if [ -z "$python" ]; then
    echo "error: Gyropilot needs Python $oldest or newer; install one, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! is_new_enough "$python"; then
    version="$("$python" -V 2>/dev/null || true)"
    echo "error: Gyropilot needs Python $oldest or newer; $python is ${version:-not there}" >&2
    exit 1
fi

packages=()
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    packages+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
fi
if [ "$(uname -s)" = Linux ] && ! "$python" -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null; then
    packages+=(libgomp1) # LightGBM's threads
fi
if [ "${#packages[@]}" -gt 0 ]; then
    install_packages "${packages[@]}"
fi
if [ "$(uname -s)" = Linux ] && ! "$python" -c 'import ctypes; ctypes.CDLL("libpangoft2-1.0.so.0")' 2>/dev/null; then
    (install_packages libpango-1.0-0 libpangoft2-1.0-0) || echo "without Pango reports are not written as PDF" >&2
fi

if [ ! -x .venv/bin/python ]; then
    echo "making .venv with $("$python" -V)"
    "$python" -m venv .venv
fi
