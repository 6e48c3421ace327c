#!/usr/bin/env bash
# Creates the tables of documents, their triggers and the logins through the Data API. It can be run repeatedly.
#
#   infra/aurora/setup.sh STACK                                          for the cluster that the stack created
#   infra/aurora/setup.sh CLUSTER_ARN ADMIN_SECRET_ARN READER_SECRET_ARN [EDITOR_SECRET_ARN]  for your own cluster
#
# The reader's secret is {"username":"chatbot_reader","password":"…"}, the password of letters and digits;
# the editor's, with which operators write documents, is the same with chatbot_editor.
# It needs the AWS CLI, and permission to read both secrets and to call rds-data:ExecuteStatement.
set -euo pipefail

database=learningyogi
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  echo "setup.sh: $*" >&2
  exit 1
}

output() {
  local value
  value=$(aws cloudformation describe-stacks --stack-name "$1" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue")
  [[ $value == arn:* ]] || fail "the stack $1 has no output $2: was it deployed with AuroraMode=create?"
  echo "$value"
}

# Sends one statement from standard input, as JSON for the Data API, and prints its answer. A paused database resumes first, which takes a while.
execute() {
  local request answer try
  request=$(cat)
  for try in $(seq 1 12); do
    if answer=$(aws rds-data execute-statement --cli-input-json file:///dev/stdin <<<"$request" 2>&1); then
      printf '%s' "$answer"
      return
    fi
    [[ $answer == *DatabaseResumingException* ]] || fail "${answer//$'\n'/ }"
    echo "setup.sh: waiting for the database to resume ($try)" >&2
    sleep "${SETUP_PAUSE_SECONDS:-5}"
  done
  fail "the database did not resume"
}

# Writes the JSON of a statement. It is never passed as an argument, where other users of the machine could read it.
statement() {
  local sql=${1//\\/\\\\}
  sql=${sql//\"/\\\"}
  sql=${sql//$'\n'/\\n}
  printf '{"resourceArn":"%s","secretArn":"%s","database":"%s","sql":"%s"}' "$cluster" "$admin" "$database" "$sql"
}

case $# in
  1)
    cluster=$(output "$1" DocumentsClusterArn)
    admin=$(output "$1" DocumentsAdminSecretArn)
    reader=$(output "$1" DocumentsReaderSecretArn)
    editor=$(output "$1" DocumentsEditorSecretArn)
    ;;
  3 | 4) cluster=$1 admin=$2 reader=$3 editor=${4:-} ;;
  *) fail "expected a stack name, or ARNs: of the cluster, of its administrator's secret, of the reader's secret and, if operators write documents, of the editor's" ;;
esac

sql=
while IFS= read -r line || [[ -n $line ]]; do
  if [[ $line == "-- then" ]]; then
    statement "$sql" | execute >/dev/null
    sql=
  else
    sql+=$line$'\n'
  fi
done <"$folder/schema.sql"
statement "$sql" | execute >/dev/null

# Passages of the documents that were there before, a few seconds at a time.
while :; do
  answer=$(statement "SELECT chatbot_fill(1000)" | execute)
  [[ $answer =~ \"longValue\":[[:space:]]*([0-9]+) ]] || fail "the answer to chatbot_fill cannot be read"
  [[ ${BASH_REMATCH[1]} != 0 ]] || break
  echo "setup.sh: made the passages of ${BASH_REMATCH[1]} documents" >&2
done

# Gives a login the password of its secret.
set_password() {
  local login=$1 secret
  secret=$(aws secretsmanager get-secret-value --secret-id "$2" --query SecretString --output text)
  [[ $secret =~ \"username\"[[:space:]]*:[[:space:]]*\"$login\" ]] ||
    fail "the secret of $login does not name that user"
  [[ $secret =~ \"password\"[[:space:]]*:[[:space:]]*\"([A-Za-z0-9]{20,})\" ]] ||
    fail "the secret of $login has no password of at least 20 letters and digits"
  statement "ALTER ROLE $login PASSWORD '${BASH_REMATCH[1]}'" | execute >/dev/null
}

set_password chatbot_reader "$reader"
[[ -z $editor ]] || set_password chatbot_editor "$editor"
echo "setup.sh: the tables and the logins are there"
