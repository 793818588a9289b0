#!/usr/bin/env bash
# Proves that Dockerfile and docker-compose.yml do what doc/docker.md promises: builds the image, runs the composition
# on a data directory of its own under /tmp (with a file that the Python original left there), and takes everything
# down again. Run by hand, as a user who may use docker; it needs curl, and two minutes after the first build.
# Exit code 0: everything held. A running household is not touched.
#
#   deploy/test-docker.sh           KEEP=1 deploy/test-docker.sh     leaves the composition running on failure
set -euo pipefail
cd "$(dirname "$0")/.."

name=homeserver-test-$$
work=$(mktemp -d "${TMPDIR:-/tmp}/$name.XXXXXX")
data=$work/drive/homeserver
key=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
# A password with everything that breaks URLs and shells but $, which Compose itself would read.
password="p@ss/w:rd#?%25&'$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')"
owner=$(id -u) group=$(id -g)
if [ "$owner" -eq 0 ]; then owner=1000 group=1000; fi
export HOMESERVER_IMAGE=$name HOMESERVER_NAME=$name COMPOSE_PROJECT_NAME=$name
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(--env-file "$work/env" -f docker-compose.yml)

say() { printf '%-72s %s\n' "$1" "${2:-ok}"; }
fail() { printf 'FAILED: %s\n' "$1" >&2; exit 1; }
state() { docker inspect --format "$1" "$name"; }

cleanup() {
  code=$?
  trap - EXIT
  if [ "$code" -ne 0 ]; then
    docker logs --tail 40 "$name" 2>&1 | sed 's/^/  homeserver: /' >&2 || true
    docker logs --tail 20 "$name-postgres" 2>&1 | sed 's/^/  postgres: /' >&2 || true
    if [ -n "${KEEP:-}" ]; then echo "left running: $name, $work" >&2; exit "$code"; fi
  fi
  "${compose[@]}" down --volumes --remove-orphans >/dev/null 2>&1 || docker rm -f "$name" "$name-postgres" >/dev/null 2>&1 || true
  # PostgreSQL's files belong to a user of its container, so a container removes them.
  if [ -d "$data" ]; then
    docker run --rm --user 0:0 --volume "$work:/work" --entrypoint /bin/sh postgres:16-alpine -c 'rm -rf /work/drive' >/dev/null 2>&1 || true
  fi
  docker image rm "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

milliseconds() { # the Mac's date knows no %N
  local now
  now=$(date +%s%N)
  case $now in *N) echo "${now%N}000" ;; *) echo "$((now / 1000000))" ;; esac
}

wait_healthy() {
  local start=$SECONDS status=
  while [ $((SECONDS - start)) -lt 120 ]; do
    status=$(state '{{.State.Health.Status}}' 2>/dev/null || true)
    [ "$status" = healthy ] && return
    sleep 0.2
  done
  fail "homeserver is ${status:-not there} after 120 s"
}

settings() { # settings NAME=VALUE...: writes the .env file
  (umask 077; printf '%s\n' "$@" >"$work/env")
}

address() { echo "http://$("${compose[@]}" port homeserver 8000)"; }
api() { curl -fsS --max-time 60 -H "X-API-Key: $key" "$@"; }
identifier() { sed 's/.*"id":"\([^"]*\)".*/\1/'; }
same() { api "$(address)/api/v1/files/$1/download" | cmp - "$2" || fail "$3 came back different"; }

# --- build
started=$SECONDS
docker build --network host --build-arg VERSION=test-docker --tag "$name" . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; fail "docker build"; }
size=$(docker image inspect --format '{{.Size}}' "$name")
say "the image builds" "$((size / 1000000)) MB, $((SECONDS - started)) s"
docker run --rm "$name" version | grep -q test-docker || fail "the image does not know its version"
case $(docker image inspect --format '{{.Config.User}}' "$name") in '' | 0* | root*) fail "the image runs as root" ;; esac

# --- what is missing is an error that says so
settings "HOMESERVER_DATA=$data" "API_KEY=$key"
"${compose[@]}" config >/dev/null 2>"$work/err" && fail "it starts without POSTGRES_PASSWORD"
grep -q 'Set POSTGRES_PASSWORD' "$work/err" || fail "no sentence about POSTGRES_PASSWORD: $(cat "$work/err")"
settings "HOMESERVER_DATA=$data" "POSTGRES_PASSWORD=$password"
"${compose[@]}" config >/dev/null 2>"$work/err" && fail "it starts without API_KEY"
grep -q 'Set API_KEY' "$work/err" || fail "no sentence about API_KEY: $(cat "$work/err")"
say "without password or key it says which is missing"

settings "HOMESERVER_DATA=$data" "POSTGRES_PASSWORD=$password" "API_KEY=$key" "PUBLISH=127.0.0.1:0" "PUID=$owner" "PGID=$group"
"${compose[@]}" up -d postgres >"$work/err" 2>&1 && fail "it starts without the drive"
[ ! -e "$data" ] || fail "a missing drive was created anew"
grep -q "$data" "$work/err" || fail "the missing directory is not named: $(cat "$work/err")"
say "without the drive nothing starts and nothing is created"

# --- a drive that the original left behind
mkdir -p "$data/postgres" "$data/storage/0f"
id=0f8fad5b-d9cb-469f-a165-70867728950e
head -c 300000 /dev/urandom >"$work/old"
cp "$work/old" "$data/storage/0f/$id"
if [ "$(id -u)" -eq 0 ]; then chown -R "$owner:$group" "$data/storage"; fi
"${compose[@]}" up -d postgres >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "PostgreSQL does not start"; }
for _ in $(seq 300); do
  [ "$(docker inspect --format '{{.State.Health.Status}}' "$name-postgres")" = healthy ] && break
  sleep 0.2
done
docker exec -i "$name-postgres" psql --quiet --set ON_ERROR_STOP=1 --host /var/run/postgresql --username homeserver homeserver <<SQL
CREATE TABLE file_metadata (id varchar(36) PRIMARY KEY, filename varchar(255) NOT NULL, content_type varchar(100) NOT NULL,
  size integer NOT NULL, storage_path varchar(500) NOT NULL, upload_date timestamptz NOT NULL DEFAULT now(), tags varchar[] NOT NULL);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('001');
INSERT INTO file_metadata VALUES ('$id', 'from the original.bin', 'application/octet-stream', 300000, '0f/$id', now(), '{old}');
SQL

# --- up
started=$(milliseconds)
"${compose[@]}" up -d >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "docker-compose up"; }
wait_healthy
say "up and healthy" "$(($(milliseconds) - started)) ms"

# --- what the container may do
docker top "$name" -o pid,uid | tail -n +2 | awk -v want="$owner" '$2 != want { exit 1 }' || fail "it runs as another user than $owner: $(docker top "$name" -o pid,uid)"
[ "$(state '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}')" = "true [ALL] [no-new-privileges:true]" ] || fail "the container is not locked down"
[ -z "$(docker port "$name-postgres")" ] || fail "PostgreSQL is published"
[ "$(state '{{len .Mounts}}')" = 1 ] || fail "the container has other mounts than the storage: $(state '{{json .Mounts}}')"
if docker image inspect --format '{{json .Config.Env}} {{json .Config.Labels}}' "$name" | grep -q "$key"; then fail "the key is in the image"; fi
say "not root, read-only, no capabilities; PostgreSQL is not published"

# --- the door, the original's file, a new file
[ "$(curl -s -o /dev/null -w '%{http_code}' "$(address)/api/v1/files/list")" = 401 ] || fail "it does not ask for the key"
api "$(address)/health" | grep -q '"version":"test-docker"' || fail "/health does not tell the version"
api "$(address)/static/dashboard.html" | grep -q '<title>HomeServer Dashboard' || fail "the pages are not in the image"
say "asks for the key, tells its version, has its pages"
same "$id" "$work/old" "the original's file"
say "serves what the original left behind"
head -c 40000000 /dev/urandom >"$work/new"
new=$(api -F "file=@$work/new;filename=new.bin" -F tags=one,two "$(address)/api/v1/files/upload" | identifier)
same "$new" "$work/new" "the uploaded file"
say "keeps an uploaded file of 40 MB"

# --- stop while an upload is under way: it finishes. (Of a download the last megabytes may be in the kernel's buffers,
# which go with the container's network when the program ends; clients resume it with Range.)
files=$(address)/api/v1/files
api --limit-rate 8M -o "$work/answer" -F "file=@$work/new;filename=late.bin" "$files/upload" &
upload=$!
sleep 1
started=$(milliseconds)
docker stop -t 30 "$name" >/dev/null
took=$(($(milliseconds) - started))
wait "$upload" || fail "docker stop cut an upload"
late=$(identifier <"$work/answer")
[ "$(state '{{.State.ExitCode}} {{.State.OOMKilled}}')" = "0 false" ] || fail "it stopped with exit code $(state '{{.State.ExitCode}}')"
[ "$took" -ge 1000 ] || fail "the upload was over before docker stop; nothing was shown"
say "docker stop lets an upload finish, exit code 0" "$took ms"

# --- down and up
"${compose[@]}" down --volumes >/dev/null 2>&1
[ -n "$(ls -A "$data/storage")" ] || fail "down --volumes emptied the drive"
started=$(milliseconds)
"${compose[@]}" up -d >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "docker-compose up, the second time"; }
wait_healthy
same "$id" "$work/old" "the original's file"
same "$new" "$work/new" "the uploaded file"
same "$late" "$work/new" "the file uploaded during docker stop"
say "down --volumes and up: every file is there, byte for byte" "$(($(milliseconds) - started)) ms"

# --- PostgreSQL restarts, homeserver does not
since=$(state '{{.State.StartedAt}}')
docker stop "$name-postgres" >/dev/null
code=$(curl -s -o /dev/null -w '%{http_code}' "$(address)/health/ready" || true)
[ "$code" = 503 ] || fail "with PostgreSQL stopped /health/ready says $code"
docker start "$name-postgres" >/dev/null
for _ in $(seq 150); do
  code=$(curl -s -o /dev/null -w '%{http_code}' "$(address)/health/ready" || true)
  [ "$code" = 200 ] && break
  sleep 0.2
done
[ "$code" = 200 ] || fail "it does not recover from a restart of PostgreSQL"
[ "$(state '{{.State.StartedAt}}')" = "$since" ] || fail "it had to be restarted"
same "$new" "$work/new" "the uploaded file"
say "a restart of PostgreSQL is ridden out"
echo "everything held"
