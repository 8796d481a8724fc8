#!/bin/sh
# An audit without giving Muster credentials: the AWS command line writes what it may read, and Muster reads that, on a
# machine without a network if need be. Names and dates only; no command here returns a secret's value.
#
#   sh audit.sh export [FOLDER]     where the AWS command line has read-only credentials; REGIONS="eu-west-1 us-east-1"
#                                   reads these regions only, in place of all that are enabled
#   sh audit.sh report [FOLDER]     anywhere: registry.csv and people.csv are used if they lie here
set -eu
step=${1:-}
folder=${2:-exports}
umask 077

# Write what a command prints to a file. A command that fails leaves no file: the report shows a gap there.
save() {
    file=$folder/$1
    shift
    if "$@" --output json >"$file"; then
        saved=$((saved + 1))
    else
        rm -f "$file"
        echo "not exported, a gap in the report: $*" >&2
    fi
}

export_account() {
    mkdir -p "$folder"
    saved=0
    save account.json aws iam get-account-authorization-details
    while state=$(aws iam generate-credential-report --query State --output text) && [ "$state" != COMPLETE ]; do sleep 2; done
    save report.json aws iam get-credential-report
    for user in $(aws iam list-users --query 'Users[].UserName' --output text || true); do
        save "keys-$user.json" aws iam list-access-keys --user-name "$user"
    done
    save api-keys.json aws iam list-service-specific-credentials --all-users
    save summary.json aws iam get-account-summary
    save roles.json aws iam list-roles
    save profiles.json aws iam list-instance-profiles
    save mfa.json aws iam list-virtual-mfa-devices --assignment-status Assigned
    save oidc.json aws iam list-open-id-connect-providers
    save saml.json aws iam list-saml-providers
    save certificates.json aws iam list-server-certificates
    save regions.json aws ec2 describe-regions
    for region in ${REGIONS:-$(aws ec2 describe-regions --query 'Regions[].RegionName' --output text || true)}; do
        mkdir -p "$folder/$region"
        save "$region/secrets.json" aws secretsmanager list-secrets --region "$region"
        save "$region/functions.json" aws lambda list-functions --region "$region"
        save "$region/agents.json" aws bedrock-agent list-agents --region "$region"
    done
    if [ "$saved" = 0 ]; then
        echo "nothing was exported: every command failed (check the sign-in: aws sts get-caller-identity)" >&2
        exit 1
    fi
    echo "exported to $folder: move it to where Muster is, then: sh audit.sh report $folder"
}

report() {
    set -- "aws:from_files=$folder"
    [ ! -f registry.csv ] || set -- "$@" --registry registry.csv
    [ ! -f people.csv ] || set -- "$@" --people people.csv
    muster scan "$@" --quiet -o html:audit.html -o csv:orphans.csv -o json:audit.json
}

case $step in
export) export_account ;;
report) report ;;
*)
    echo "usage: sh audit.sh export|report [FOLDER]" >&2
    exit 2
    ;;
esac
