#!/usr/bin/env bash
# Prints the path of a uv that works: the one on PATH, else one installed into .tools (a venv of its own).
# Everything it says goes to stderr.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.13.9

if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
  command -v uv
  exit 0
fi
if [ -x .tools/bin/uv ]; then
  echo "$PWD/.tools/bin/uv"
  exit 0
fi

python=""
for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
  if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is needed. On Debian and Ubuntu: sudo apt-get install python3" >&2
  exit 1
fi

# Debian's python3 comes without venv and pip; get them when that is allowed.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  run=""
  [ "$(id -u)" = 0 ] || run="sudo -n"
  if command -v apt-get >/dev/null 2>&1 && { [ -z "$run" ] || sudo -n true 2>/dev/null; }; then
    { $run apt-get update -qq && $run apt-get install -y -qq --no-install-recommends python3-venv; } >&2
  else
    echo "Python's venv module is needed. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2
    exit 1
  fi
fi
"$python" -m venv .tools >&2
.tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$version" >&2
echo "$PWD/.tools/bin/uv"
