#!/usr/bin/env bash
# Run the quickstart against the server of the state folder, and stop the server afterwards unless it ran before. The
# folder is the one that the commands use, so that what the quickstart says to try next finds its job.
set -euo pipefail

state="${GYROPILOT_HOME:-$HOME/.gyropilot}/server.json"

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
