#!/usr/bin/env bash
# Do what the Dockerfile does, without Docker: install the model server into a folder of its own, start it as SageMaker
# does and ask it for a prediction. Needs what pip needs.
#
#   tools/check_image.sh [PYTHON]
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
scratch="$(mktemp -d)"
server=""
cleanup() {
    if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$scratch"
}
trap cleanup EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1

"${1:-python3}" -m venv "$scratch/build"
python="$scratch/build/bin/python"
mkdir "$scratch/files" "$scratch/model"
sed -n 's/^!//p' "$root/.dockerignore" | while read -r name; do cp -r "$root/$name" "$scratch/files/"; done
tar xzf "$root/tests/data/bundles/0.1.0-binary.tar.gz" -C "$scratch/model"
cd "$scratch/files"
# The commands after RUN, line by line as Docker reads them.
sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' "$root/Dockerfile" | sed -n 's/^RUN //p' |
    sed -e "s|/opt/gyropilot|$scratch/opt|g" -e "s|python -m|$python -m|g" >"$scratch/commands"
bash -euo pipefail "$scratch/commands" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
du -sh "$scratch/opt" | cut -f 1

cd "$scratch"
port="$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')"
env -i PATH="$scratch/opt/bin" SM_MODEL_DIR="$scratch/model" SAGEMAKER_BIND_TO_PORT="$port" \
    "$scratch/opt/bin/python" -m gyropilot.serving serve &
server=$!
"$python" - "http://127.0.0.1:$port" <<'END'
import sys, time, urllib.error, urllib.request

url, deadline = sys.argv[1], time.monotonic() + 60
while True:
    try:
        urllib.request.urlopen(f"{url}/ping", timeout=5)
        break
    except urllib.error.URLError:
        if time.monotonic() > deadline:
            sys.exit("the model server does not answer")
        time.sleep(0.1)
request = urllib.request.Request(f"{url}/invocations", b"0.5,red,2024-03-04\n", {"Content-Type": "text/csv"})
answer = urllib.request.urlopen(request, timeout=30).read()
assert answer == b"yes\n", answer
print("the model server of the image predicts")
END
