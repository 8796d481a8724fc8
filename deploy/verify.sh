#!/bin/sh
# Verifies the files of a release before you use any of them:
#   sh deploy/verify.sh OWNER/REPOSITORY VERSION FOLDER [OPTION OF COSIGN]...
# FOLDER has all files of the release and nothing else. They must be signed by the release workflow of that repository, for the
# tag of that version, with an identity that Sigstore vouches for (https://docs.sigstore.dev). Needs cosign 2.6 or newer,
# python3, and a network for Sigstore's roots, or `--trusted-root FILE` with a copy of them. Exit code 1: something is not as
# it was signed, do not use it.
set -eu
[ $# -ge 3 ] || { echo "usage: sh verify.sh OWNER/REPOSITORY VERSION FOLDER [OPTION OF COSIGN]..." >&2; exit 2; }
repository=$1 version=$2 folder=$(cd -- "$3" && pwd)
shift 3
workflow=https://github.com/$repository/.github/workflows/release.yml@refs/tags/v$version
signer="--certificate-identity $workflow --certificate-oidc-issuer https://token.actions.githubusercontent.com"

refuse() {
    echo "NOT verified: $1" >&2
    exit 1
}

# What signed the sums. Neither value has a space: a name with one is no repository or version.
case $repository$version in *[!A-Za-z0-9._/+-]*) refuse "$repository $version is no repository and version" ;; esac
for file in SHA256SUMS SHA256SUMS.sigstore.json provenance.sigstore.json sbom.sigstore.json; do
    [ -f "$folder/$file" ] || refuse "$file is missing"
done
# shellcheck disable=SC2086 # several words
cosign verify-blob $signer --new-bundle-format --bundle "$folder/SHA256SUMS.sigstore.json" "$@" "$folder/SHA256SUMS" >&2 ||
    refuse "SHA256SUMS was not signed by $workflow"

# What the sums are of: every file here, and no other; sha256sum would pass over files that are not listed.
! grep -Evq '^[0-9a-f]{64}  [A-Za-z0-9][A-Za-z0-9._+-]*$' "$folder/SHA256SUMS" || refuse "SHA256SUMS has lines of another form"
listed=$(cut -c 67- "$folder/SHA256SUMS" | LC_ALL=C sort)
here=$(cd "$folder" && find . -mindepth 1 ! -path ./SHA256SUMS ! -path ./SHA256SUMS.sigstore.json | cut -c 3- | LC_ALL=C sort)
[ "$listed" = "$here" ] || refuse "the files here are not those of SHA256SUMS"
[ -z "$(find "$folder" -mindepth 1 ! -type f)" ] || refuse "there are links or folders here"
(cd "$folder" && sha256sum --check --strict --quiet SHA256SUMS >&2) || refuse "a file is not the one that was signed"

# The type and the commit of a statement. cosign knows a statement by its signature, and may let one of another type pass.
about() {
    python3 -I - "$1" <<'EOF'
import base64, json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    statement = json.loads(base64.b64decode(json.load(file)["dsseEnvelope"]["payload"]))
built = statement["predicate"].get("buildDefinition", {}).get("resolvedDependencies", [])
print(statement["predicateType"], *(one["digest"]["gitCommit"] for one in built if "gitCommit" in one.get("digest", {})))
EOF
}

# Which commit the packages were built from, and what is in them.
packages=0
for package in "$folder"/*.whl "$folder"/*.tar.gz; do
    [ -f "$package" ] || continue
    packages=$((packages + 1))
    for kind in provenance sbom; do
        # shellcheck disable=SC2086 # several words
        cosign verify-blob-attestation $signer --new-bundle-format --bundle "$folder/$kind.sigstore.json" "$@" "$package" >&2 ||
            refuse "${package##*/} has no $kind of $workflow"
    done
done
[ "$packages" -gt 0 ] || refuse "there is no package here"
provenance=$(about "$folder/provenance.sigstore.json") sbom=$(about "$folder/sbom.sigstore.json")
case $provenance in https://slsa.dev/provenance/v1\ *) ;; *) refuse "provenance.sigstore.json is no provenance" ;; esac
case $sbom in https://cyclonedx.org/bom*) ;; *) refuse "sbom.sigstore.json is no list of parts" ;; esac

echo "verified: $packages packages of $repository $version, and all files beside them, as signed by $workflow"
echo "built from commit ${provenance##* }"
if [ -f "$folder/image.txt" ]; then
    echo "the image is signed as well; this asks its registry:"
    echo "  cosign verify $signer $(cat "$folder/image.txt")"
fi
