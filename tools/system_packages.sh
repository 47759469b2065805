# Sourced by the scripts that need packages of the system.
#
# Packages are installed only by root or by a sudo that asks for no password; otherwise the command to run is printed.

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
