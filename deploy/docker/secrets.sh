#!/bin/sh
# Make the password of Redis, and the two files that docker-compose.yml mounts: sh deploy/docker/secrets.sh [FOLDER]
# Containers read the files under users of their own; others on this machine are kept out by the folder.
set -eu
folder=${1:-secrets}
[ ! -e "$folder/redis.acl" ] || { echo "$folder holds a password already; remove it to make another" >&2; exit 1; }
mkdir -p -m 0700 "$folder"
password=$(od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n')
printf 'user default on nopass -@all +ping\nuser pneumoserve on #%s ~* &* +@all\n' \
    "$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)" > "$folder/redis.acl"
printf 'redis://pneumoserve:%s@redis:6379/0\n' "$password" > "$folder/CXR_REDIS_URL"
chmod 0444 "$folder/redis.acl" "$folder/CXR_REDIS_URL"
