# shellcheck shell=bash
# What comes from the distribution's packages, and only where it is missing.

# By what they are for, command:package.
declare -A PACKAGES=(
  # etcd and kube-apiserver.
  [api]='ip:iproute2 ss:iproute2 openssl:openssl setpriv:util-linux'
  # The servers that the integration tests start; redis-tools holds the whole of Redis, without the service that
  # redis-server would start.
  [servers]='jq:jq zstd:zstd curl:curl redis-check-rdb:redis-tools'
  # One of them, which the server for development and the benches start as well.
  [postgres]='/usr/lib/postgresql/*/bin/initdb:postgresql'
  # Building images without Docker.
  [images]='buildah:buildah debootstrap:debootstrap'
  # A node that runs pods.
  [node]='containerd:containerd runc:runc nft:nftables conntrack:conntrack /usr/lib/cni/bridge:containernetworking-plugins'
  # The tests of the pages: 100 MB that nothing else needs.
  [browser]='/usr/bin/chromium:chromium'
)

missing_packages() { # missing_packages PART…
  local part entry command entries
  for part in "$@"; do
    read -ra entries <<<"${PACKAGES[$part]}"
    for entry in "${entries[@]}"; do
      command=${entry%%:*}
      PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || compgen -G "$command" >/dev/null || printf '%s ' "${entry##*:}"
    done
  done
}

install_packages() { # install_packages PART…
  local packages
  read -ra packages <<<"$(missing_packages "$@")"
  command -v apt-get >/dev/null || {
    echo "These are missing, and there is no apt-get to bring them: ${packages[*]}"
    return 1
  }
  # The tests start database servers of their own: none is wanted that starts by itself.
  if [[ " ${packages[*]} " == *' postgresql '* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${packages[@]}" && return 0
  apt-get -o DPkg::Lock::Timeout=120 update || return 1
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${packages[@]}"
}
