# Sourced by the other scripts: `prepare run|dev|bench` makes .venv, and brings it up to date when what it is made from changed.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
venv=$root/.venv
unset PYTHONDONTWRITEBYTECODE  # .venv is ours: byte code made once there halves the start of every run

say() { echo "videdit: $*" >&2; }

find_python() {
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then return; fi
    done
    say "needs Python 3.11 or newer with venv; set PYTHON to one"
    exit 5
}

pip_install() { "$venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check -c "$root/constraints.txt" "$@"; }

install() {
    case $1 in
        run) pip_install -e "$root" && "$venv/bin/python" -c "import videdit.pipeline" ;;
        dev) pip_install -e "$root[dev]" ;;
        bench) install dev && pip_install --no-deps -r "$root/benchmarks/requirements.txt" ;;
    esac
}

prepare() {
    # what stands before the first [tool.*] of pyproject.toml says what to install
    made_from=$({ sed '/^\[tool/,$d' "$root/pyproject.toml"; cat "$root/constraints.txt"; } | cksum)" $root"
    for level in run dev bench; do
        # a fuller environment serves as well
        [ "$level" = "$1" ] && found=yes
        if [ "${found:-}" ] && [ "$(cat "$venv/.made-$level" 2>/dev/null)" = "$made_from" ]; then return; fi
    done
    if [ ! -x "$venv/bin/python" ]; then
        find_python
        say "setting up $venv (once: a few minutes, about 2 GB)"
        "$python" -m venv "$venv" || exit 5
    else
        say "bringing $venv up to date"
    fi
    install "$1" || { say "the packages could not be installed; see above"; exit 5; }
    echo "$made_from" > "$venv/.made-$1"
}
