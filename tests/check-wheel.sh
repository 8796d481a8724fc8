#!/bin/sh
# Builds the wheel, twice with the same bytes, installs it into an empty environment with the core's dependencies alone, and
# uses it there; and installs from the checkout as the actions of deploy/github do.
set -eu
python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022 # a wheel keeps the modes of its files
export SOURCE_DATE_EPOCH=1700000000
mkdir "$work/again"
# Without bytecode, which something else may be writing.
tar -c --exclude __pycache__ pyproject.toml README.md LICENSE NOTICE scanner connectors reports | tar -x -C "$work/again"
"$python" -m build --wheel --no-isolation --outdir "$work" . >/dev/null
"$python" -m build --wheel --no-isolation --outdir "$work/again" "$work/again" >/dev/null
cmp "$work"/*.whl "$work/again"/*.whl
"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --require-hashes -r requirements/core.txt
"$work/venv/bin/python" -m pip install --quiet --no-deps "$work"/*.whl
"$work/venv/bin/python" -m pip check --quiet
bash deploy/github/install.sh core "$work/action"
cd "$work"
action/bin/muster --version >/dev/null
printf 'name,created_at\nslack-bot,2024-01-01\n' > bots.csv
venv/bin/muster --help >/dev/null
venv/bin/muster init estate >/dev/null
venv/bin/muster scan file:path=bots.csv --quiet -o json:result.json -o csv:orphans.csv -o html:report.html 2>/dev/null
grep -q slack-bot result.json
grep -q slack-bot report.html || grep -q DecompressionStream report.html
venv/bin/muster show slack-bot >/dev/null
venv/bin/muster scan aws 2>&1 | grep -q "extra 'aws'"
venv/bin/muster serve 2>&1 | grep -q "extra 'serve'"
for module in boto3 requests xlsxwriter moto pydantic numpy litestar; do
    ! venv/bin/python -c "import $module" 2>/dev/null || { echo "the core install brings $module"; exit 1; }
done
echo "the wheel works: $(ls ./*.whl | head -n 1), $(du -sh venv/lib | cut -f1) installed"
