# shellcheck shell=bash
# What comes from the distribution's packages, and only where it is missing.

# command:package
PACKAGES=(
  containerd:containerd runc:runc nft:nftables conntrack:conntrack buildah:buildah debootstrap:debootstrap ip:iproute2
  openssl:openssl jq:jq zstd:zstd setpriv:util-linux
  /usr/lib/cni/bridge:containernetworking-plugins
  /usr/lib/postgresql/*/bin/initdb:postgresql
)

missing_packages() {
  local entry command
  for entry in "${PACKAGES[@]}"; do
    command=${entry%%:*}
    PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || compgen -G "$command" >/dev/null || printf '%s ' "${entry##*:}"
  done
}

install_packages() {
  local packages
  read -ra packages <<<"$(missing_packages)"
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
