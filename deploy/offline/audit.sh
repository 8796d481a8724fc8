#!/bin/sh
# An audit without giving Muster credentials: the AWS command line writes what it may read, and Muster reads that, on a
# machine without a network if need be. Names and dates only; no command here returns a secret's value.
#
#   sh audit.sh export [FOLDER]     where the AWS command line has read-only credentials; REGIONS="eu-west-1 us-east-1"
#   sh audit.sh report [FOLDER]     anywhere: registry.csv and people.csv are used if they lie here
set -eu
step=${1:-}
folder=${2:-exports}
umask 077

export_account() {
    mkdir -p "$folder"
    aws iam get-account-authorization-details --output json >"$folder/account.json"
    until [ "$(aws iam generate-credential-report --query State --output text)" = COMPLETE ]; do sleep 2; done
    aws iam get-credential-report --output json >"$folder/report.json"
    : >"$folder/keys.json"
    for user in $(aws iam list-users --query 'Users[].UserName' --output text); do
        aws iam list-access-keys --user-name "$user" --output json >>"$folder/keys.json"
    done
    aws iam list-service-specific-credentials --all-users --output json >"$folder/api-keys.json"
    aws ec2 describe-regions --output json >"$folder/regions.json"
    for region in ${REGIONS:-eu-west-1}; do
        mkdir -p "$folder/$region"
        aws secretsmanager list-secrets --region "$region" --output json >"$folder/$region/secrets.json"
        aws lambda list-functions --region "$region" --output json >"$folder/$region/functions.json"
        aws bedrock-agent list-agents --region "$region" --output json >"$folder/$region/agents.json"
    done
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
