# shellcheck shell=bash
# The Debian base of our images, and the container storage that they are built in: both in the cache, so that neither
# a registry nor the machine's own storage is needed.

BASE_DIR=$CACHE/debian-$DEBIAN_RELEASE

base_rootfs_complete() { [ -e "$BASE_DIR/.complete" ]; }

# What debian:…-slim is: the smallest variant without documentation, manuals and translations, now and later.
build_base_rootfs() {
  local work root
  work=$(mktemp -d "$CACHE/.building-XXXXXX")
  root=$work/root
  # Its mounts of /proc and /sys go with its namespace, even where it is interrupted.
  unshare --mount --propagation private debootstrap --variant=minbase --merged-usr "$DEBIAN_RELEASE" "$root" || return 1
  cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<'EOF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
EOF
  cat >"$root/etc/apt/apt.conf.d/slim" <<'EOF'
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::Languages "none";
Acquire::Retries "5";
Dpkg::Use-Pty "0";
EOF
  # Updates and security fixes come from beside the mirror that debootstrap took.
  sed -nE "s#^deb (\S+) .*#deb \1 $DEBIAN_RELEASE main\ndeb \1 $DEBIAN_RELEASE-updates main\ndeb \1-security $DEBIAN_RELEASE-security main#p" \
    "$root/etc/apt/sources.list" | sed 's#/-security#-security#; s#\(debian\)/ #\1 #' >"$work/sources"
  mv "$work/sources" "$root/etc/apt/sources.list"
  rm -rf "$root"/usr/share/{man,info,locale}/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
    "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/tmp/* "$root"/var/cache/debconf/*-old "$root"/etc/machine-id \
    "$root"/etc/resolv.conf "$root"/etc/hostname
  find "$root/usr/share/doc" -type f ! -name copyright -delete
  find "$root/usr/share/doc" -depth -type d -empty -delete
  tar --numeric-owner --xattrs -C "$root" --exclude './dev/*' --exclude './proc/*' --exclude './sys/*' -cf "$work/rootfs.tar" . || return 1
  rm -rf "$root"
  chmod 755 "$work"
  touch "$work/.complete"
  rm -rf "$BASE_DIR"
  mv -T "$work" "$BASE_DIR"
}

# buildah on the storage of the cache. Its mounts are in a namespace of the script's own: see private_mounts.
builder() {
  buildah --root "$CACHE/containers/storage" --runroot "$CACHE/containers/run" --storage-driver overlay "$@"
}

# Goes on in a mount namespace, so that what an interrupted build had mounted is gone with it, and forgotten.
private_mounts() {
  if [ -z "${FRAISEQL_PRIVATE_MOUNTS-}" ]; then
    [ "$(id -u)" = 0 ] || die 'to build images without Docker needs root: use sudo'
    FRAISEQL_PRIVATE_MOUNTS=$$ exec setpriv --pdeathsig KILL unshare --mount --propagation private "$0" "$@"
  fi
  unset FRAISEQL_PRIVATE_MOUNTS
}

# One build at a time, on a storage that forgot what was left half-done.
lock_storage() {
  mkdir -p "$CACHE/containers"
  exec {STORAGE_LOCK}>"$CACHE/containers/.lock"
  flock "$STORAGE_LOCK"
  mkdir -p "$CACHE/containers/run"
  mount -t tmpfs tmpfs "$CACHE/containers/run"
  builder rm --all >/dev/null 2>&1 || true
}
