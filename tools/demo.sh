#!/usr/bin/env bash
# Run the quickstart against a server of its own state folder, and stop the server afterwards unless it ran before.
set -euo pipefail

export GYROPILOT_HOME="${GYROPILOT_HOME:-$PWD/.gyropilot}"
state="$GYROPILOT_HOME/server.json"

server_pid() {
    [ -f "$state" ] || return 0
    .venv/bin/python -c 'import json, sys; print(json.load(open(sys.argv[1])).get("pid", ""))' "$state" 2>/dev/null || true
}

is_running() {
    [ -n "$1" ] && kill -0 "$1" 2>/dev/null
}

before="$(server_pid)"
is_running "$before" || before=""

stop_server() {
    local pid
    pid="$(server_pid)"
    if [ -z "$before" ] && is_running "$pid"; then
        kill "$pid"
        for _ in $(seq 100); do
            is_running "$pid" || break
            sleep 0.1
        done
    fi
}
trap stop_server EXIT

variables="$(.venv/bin/gyropilot env)"
eval "$variables"
.venv/bin/python examples/quickstart.py
