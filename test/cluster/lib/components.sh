# shellcheck shell=bash
# The components that are built from Go modules.

# version_at_least WANTED HAVE
version_at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# A Go from 1.21 on brings a newer one by itself, unless GOTOOLCHAIN=local tells it not to.
require_go() {
  local go have toolchain remedy="install Go $GO_VERSION or newer (go.dev/doc/install)"
  go=$(command -v go) || {
    say "Go is missing: $remedy."
    return 1
  }
  { read -r have; read -r toolchain; } < <(cd / && go env GOVERSION GOTOOLCHAIN 2>&1) || true
  have=${have#go}
  version_at_least "$GO_VERSION" "$have" && return 0
  version_at_least 1.21 "$have" && [[ $toolchain = *auto ]] && return 0
  say "$go is Go $have, which is too old to build what the tests need: $remedy."
  return 1
}

# build_into DIR FUNCTION: FUNCTION fills a fresh directory, which takes its place only when whole.
build_into() {
  local target=$1 work
  work=$(mktemp -d "$CACHE/.building-XXXXXX")
  chmod 755 "$work"
  "$2" "$work" || return 1
  touch "$work/.complete"
  rm -rf "$target"
  mv -T "$work" "$target"
}

# A compiler is over before its garbage matters, and nobody debugs what it makes: both together are an eighth of the time.
GO_QUICKLY=(env GOGC=400 CGO_ENABLED=0 GOWORK=off nice -n 5 go)
GO_FLAGS=(-trimpath -gcflags=all=-dwarf=false)

go_build() { # go_build OUTPUT LDFLAGS PACKAGE
  (cd "$COMPONENTS_DIR" && GOFLAGS=-mod=readonly "${GO_QUICKLY[@]}" build -buildvcs=false "${GO_FLAGS[@]}" \
    -ldflags "-s -w $2" -o "$1" "$3")
}

build_kubernetes() {
  local work=$1 version=k8s.io/component-base/version flags name
  flags="-X $version.gitVersion=v$KUBERNETES_VERSION -X $version.gitMajor=1 \
    -X $version.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION") -X $version.gitTreeState=clean"
  go_build "$work/kube" "$flags" ./kube || return 1
  # It is called so often that what it takes to start counts, and alone that is less than half.
  go_build "$work/kubectl" "$flags" k8s.io/kubernetes/cmd/kubectl || return 1
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    ln -s kube "$work/$name"
  done
}

build_coredns() { go_build "$1/coredns" '' ./dns; }

# What `helm template` takes for the cluster's version is the one it was built for.
build_helm() {
  local minor=${KUBERNETES_VERSION#*.} chart=helm.sh/helm/v3/pkg/chartutil
  go_build "$1/helm" "-X helm.sh/helm/v3/internal/version.version=v$HELM_VERSION -X $chart.k8sVersionMajor=1 \
    -X $chart.k8sVersionMinor=${minor%.*}" helm.sh/helm/v3/cmd/helm
}

# A module of its own: it shares nothing with the others.
build_versitygw() {
  GOBIN=$1 GOFLAGS= "${GO_QUICKLY[@]}" install "${GO_FLAGS[@]}" -ldflags '-s -w' \
    "github.com/versity/versitygw/cmd/versitygw@v$VERSITYGW_VERSION"
}
