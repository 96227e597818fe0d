#!/usr/bin/env bash
# The same with curl: ./judge.sh FILM...   prints a table (CSV).
# CXR_GATEWAY_URL says where the gateway is, CXR_API_KEY is your key.
set -euo pipefail

url=${CXR_GATEWAY_URL:-http://127.0.0.1:7860}

if (($# == 0)); then
  echo "usage: $0 FILM..." >&2
  exit 2
fi

# The key comes in by a file descriptor: words of a command line can be read by every user of the machine.
ask() {
  curl --silent --show-error --fail-with-body -H @<(printf 'Authorization: Bearer %s\n' "${CXR_API_KEY:-}") "$@"
}

form=()
for film in "$@"; do
  if [[ ! -r $film || -d $film ]]; then
    echo "$film: no file that can be read" >&2
    exit 2
  fi
  name=${film//\\/\\\\} # in quotes, curl takes ; and , for themselves
  form+=(-F "files=@\"${name//\"/\\\"}\"")
done

# Sent again by --retry (429 and 503, after the seconds of Retry-After), it is the same job.
job=$(ask --retry 10 -X POST -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" "${form[@]}" "$url/v1/jobs") ||
  { echo "$job" >&2 && exit 1; }
id=$(sed -E 's/.*"id": ?"([^"]+)".*/\1/' <<<"$job")

ask --no-buffer "$url/v1/jobs/$id/events" >/dev/null # ends when the job does
ask "$url/v1/jobs/$id/results?format=csv"
