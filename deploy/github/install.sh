#!/usr/bin/env bash
# Installs Muster from the checkout that this script lies in, into a new environment. A commit so pins all of it: packages
# are those of its lock files, each by hash, and nothing else is downloaded. `core` is enough for the gate; `runtime` has
# what every connector, store and report needs.
#   bash deploy/github/install.sh core|runtime ENVIRONMENT
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lock=$root/requirements/$1.txt
environment=$2
[ -f "$lock" ] || { echo "no such lock file: $lock" >&2; exit 2; }
# -I: a module in the working folder, which may be a change's checkout, is not ours.
"${PYTHON:-python3}" -I -m venv --clear "$environment"
pip=("$environment/bin/python" -I -m pip --disable-pip-version-check)
"${pip[@]}" install --quiet --require-hashes --requirement "$root/requirements/core.txt" --requirement "$lock"
"${pip[@]}" install --quiet --no-deps --no-index --no-build-isolation "$root"
"${pip[@]}" check --quiet
