#!/usr/bin/env bash
# Make .venv with a Python that is new enough, after installing the few system packages that are needed and missing.
#
#   tools/prepare.sh [PYTHON]
#
# Packages are installed only by root or by a sudo that asks for no password; otherwise the command to run is printed.
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

install_packages() {
    local command="apt-get update && apt-get install -y --no-install-recommends $*"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "error: missing on this system: $* (Debian's names); install them with its package manager, then run make again" >&2
        exit 1
    fi
    echo "installing system packages: $*"
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive sh -c "$command" >/dev/null
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n env DEBIAN_FRONTEND=noninteractive sh -c "$command" >/dev/null
    else
        echo "error: these packages need a password; run this, then make again:" >&2
        echo "    sudo sh -c '$command'" >&2
        exit 1
    fi
}

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

if [ ! -x .venv/bin/python ]; then
    echo "making .venv with $("$python" -V)"
    "$python" -m venv .venv
fi
