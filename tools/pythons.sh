#!/usr/bin/env bash
# Lists the supported Python interpreters of this machine, oldest first: "3.11 /usr/bin/python3.11".
#
#   tools/pythons.sh           every version found, one a line
#   tools/pythons.sh newest    the path of the newest one only
#
# A candidate counts only after it has run: a pyenv shim for a version that is not
# selected exists on the PATH but does not start. ensurepip is asked for because a
# virtual environment cannot be made without it, and a debug or free-threaded build (they
# have ABI flags) is not one of the supported interpreters.
set -u

supported="3.11 3.12 3.13"
probe='import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2], sys.implementation.name + sys.abiflags)'

candidates() { # VERSION: paths worth a try, best first
    type -aP "python$1" python3 python 2>/dev/null
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python 2>/dev/null | sort -rV
}

# A shim on the PATH that does run is only a detour: the interpreter behind it is what
# virtual environments should point to, so the path printed is the interpreter's own.
resolve() { # PATH
    "$1" -c 'import sys; print(sys.executable)' 2>/dev/null
}

find_version() { # VERSION
    local candidate
    while IFS= read -r candidate; do
        if [ "$("$candidate" -c "$probe" 2>/dev/null)" = "$1 cpython" ]; then
            resolve "$candidate"
            return
        fi
    done < <(candidates "$1")
    return 1
}

newest=""
for version in $supported; do
    if path=$(find_version "$version"); then
        newest=$path
        [ "${1:-}" = newest ] || echo "$version $path"
    fi
done

if [ -z "$newest" ]; then
    echo "no CPython of ${supported// /, } found, on the PATH or under pyenv's versions" >&2
    exit 1
fi
if [ "${1:-}" = newest ]; then
    echo "$newest"
fi
