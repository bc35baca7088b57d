# shellcheck shell=bash
# What comes from the distribution's packages, and only where it is missing.

# command:package
API_PACKAGES=(ip:iproute2 ss:iproute2 openssl:openssl setpriv:util-linux)
PACKAGES=(
  "${API_PACKAGES[@]}"
  containerd:containerd runc:runc nft:nftables conntrack:conntrack buildah:buildah debootstrap:debootstrap
  jq:jq zstd:zstd curl:curl
  /usr/lib/cni/bridge:containernetworking-plugins
  /usr/lib/postgresql/*/bin/initdb:postgresql
  # The whole server, without the service that redis-server would start.
  redis-check-rdb:redis-tools
)

# For the tests of the pages: 100 MB that nothing else needs.
BROWSER_PACKAGES=(/usr/bin/chromium:chromium)

missing_packages() { # missing_packages [--api-only|--browser]
  local entry command entries=("${PACKAGES[@]}")
  [ "${1-}" != --api-only ] || entries=("${API_PACKAGES[@]}")
  [ "${1-}" != --browser ] || entries=("${BROWSER_PACKAGES[@]}")
  for entry in "${entries[@]}"; do
    command=${entry%%:*}
    PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || compgen -G "$command" >/dev/null || printf '%s ' "${entry##*:}"
  done
}

install_packages() { # install_packages [--api-only|--browser]
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
