# shellcheck shell=bash
# Images, as archives that containerd, kind and docker load alike.
#
# With a cluster of one's own and a Docker engine, Docker builds them from its registry's bases. Otherwise buildah does, on
# bases made here.

builds_with_docker() { using_own_cluster && docker_answers; }

# docker_build TAG ARGUMENT…
docker_build() {
  local tag=$1 secret=()
  shift
  [ ! -f "$HOME/.npmrc" ] || secret=(--secret "id=npmrc,src=$HOME/.npmrc")
  docker build "${secret[@]}" --tag "$tag" "$@"
}

# docker_save TAG FILE
docker_save() {
  mkdir -p "$(dirname "$2")"
  docker save --output "$2.partial" "$1" || return 1
  rm -f "$2.id"
  mv "$2.partial" "$2"
}

# What stands in for a registry's images: a Debian base and one with node and npm, made from what the cache holds.

BASE_TAG=localhost/fraiseql-auth-base:$DEBIAN_RELEASE
BUILD_TAG=localhost/fraiseql-auth-build:$DEBIAN_RELEASE-node$NODE_VERSION

image_exists() { builder inspect --type image "$1" >/dev/null 2>&1; }

make_base_image() {
  local container
  container=$(builder from scratch) || return 1
  builder add "$container" "$BASE_DIR/rootfs.tar" / \
    && builder config --cmd /bin/bash "$container" \
    && builder commit --rm "$container" "$BASE_TAG"
}

# The machine's trust in certificate authorities comes along: behind a proxy of a company's own, npm needs it.
make_build_image() {
  local container npm
  npm=$(dirname "$(readlink -f "$(command -v npm)")")/..
  container=$(builder from "$BASE_TAG") || return 1
  builder copy "$container" "$(readlink -f "$CACHE/node/bin/node")" /usr/local/bin/node \
    && builder copy "$container" "$npm" /usr/local/lib/node_modules/npm \
    && builder run --isolation chroot "$container" -- sh -c '
      ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
      ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
      mkdir -p /usr/local/etc /etc/ssl/certs; echo cafile=/etc/ssl/certs/ca-certificates.crt > /usr/local/etc/npmrc' \
    && builder copy "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt \
    && builder commit --rm "$container" "$BUILD_TAG"
}

ensure_bases() { # ensure_bases LOGS
  image_exists "$BASE_TAG" || stage 'base image' "$1/base" make_base_image
  image_exists "$BUILD_TAG" || stage "base image with node $NODE_VERSION and npm" "$1/build-base" make_build_image
}

# build_image TAG ARGUMENT…: with every layer cached.
build_image() {
  ! builds_with_docker || { docker_build "$@"; return; }
  local tag=$1 secret=()
  shift
  [ ! -f "$HOME/.npmrc" ] || secret=(--secret "id=npmrc,src=$HOME/.npmrc")
  builder build --layers --isolation chroot --network host --pull-never "${secret[@]}" \
    --build-arg "BASE_IMAGE=$BASE_TAG" --build-arg "BUILD_IMAGE=$BUILD_TAG" --tag "$tag" "$@"
}

# save_image TAG FILE: unless FILE is that image already. Layers
# are stored as they are: what packing saves in space it costs twice in time.
save_image() {
  ! builds_with_docker || { docker_save "$@"; return; }
  local tag=$1 file=$2 id
  id=$(builder inspect --type image --format '{{.FromImageID}}' "$tag") || return 1
  [ ! -e "$file" ] || [ "$(cat "$file.id" 2>/dev/null)" != "$id" ] || return 0
  mkdir -p "$(dirname "$file")"
  rm -f "$file.partial"
  builder push --disable-compression "$tag" "docker-archive:$file.partial:$tag" || return 1
  mv "$file.partial" "$file"
  echo "$id" >"$file.id"
}

# Layers of builds past are kept as a cache, and cleared when they have become many.
prune_images() {
  ! builds_with_docker || return 0
  [ "$(builder images --quiet --filter dangling=true | wc -l)" -lt 60 ] || builder rmi --prune >/dev/null 2>&1 || true
}

# begin_images LOGS: goes on with what building needs.
begin_images() {
  builds_with_docker && return 0
  lock_storage
  ensure_bases "$1"
}

size_of() { numfmt --to=si --suffix=B "$(stat -c %s "$1")"; }
