# shellcheck shell=bash
# One node: a network, containerd, kubelet, kube-proxy, cluster DNS, and a default StorageClass.

NODE_NAME=node
NODE_ADDRESS=192.0.2.10
DNS_ADDRESS=$NODE_ADDRESS
CNI_BIN=/usr/lib/cni

make_node_network() {
  # An address that is neither loopback nor a pod's: the bridge link type is there where dummy is not.
  ip link add node0 type bridge
  ip addr add "$NODE_ADDRESS/24" dev node0
  ip link set node0 up
  ip route add default via 192.0.2.1 dev node0
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

# Everything that the node's parts read, written while the API server starts.
prepare_node() {
  private_directories
  pretend_kernel_settings
  make_cgroup
  start_containerd
  identity controller-manager /CN=system:kube-controller-manager
  identity scheduler /CN=system:kube-scheduler
  identity kube-proxy /CN=system:kube-proxy
  identity coredns /O=system:masters/CN=coredns
  certificate kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" "DNS:$NODE_NAME,IP:$NODE_ADDRESS"
  kubeconfig kubelet
  write_kubelet_config
}

# What the node's parts write in fixed places stays in this mount namespace.
private_directories() {
  mkdir -p "$STATE"/{varlib,varlib-work,varlog,kubelet,cni/conf,volumes,containerd}
  mount -t overlay -o "lowerdir=/var/lib,upperdir=$STATE/varlib,workdir=$STATE/varlib-work" overlay /var/lib
  mount --bind "$STATE/varlog" /var/log
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock
  # Names of services resolve in the command too. Behind a link, /etc/resolv.conf may point into /run.
  printf 'nameserver %s\nsearch svc.cluster.local cluster.local\noptions ndots:2 timeout:2\n' "$DNS_ADDRESS" >"$STATE/resolv.conf"
  local target
  target=$(readlink -m /etc/resolv.conf)
  [ -e "$target" ] || { mkdir -p "$(dirname "$target")" && touch "$target"; }
  mount --bind "$STATE/resolv.conf" "$target"
}

# kubelet insists on a few kernel settings and would set them for the whole machine. It is shown that they are so.
pretend_kernel_settings() {
  mkdir -p "$STATE/sysctl"
  local entry file
  for entry in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    file=${entry%%=*}
    [ -e "/proc/sys/$file" ] || continue
    echo "${entry##*=}" >"$STATE/sysctl/${file//\//.}"
    mount --bind "$STATE/sysctl/${file//\//.}" "/proc/sys/$file"
  done
}

# A control group of this cluster's own above its pods; the reaper removes it. All pods together count for as much as eight
# processes of this machine that are in no group: with as much as one, they starve beside the tests that ask them.
make_cgroup() {
  CGROUP=/fraiseql-$FRAISEQL_CLUSTER_ID
  local root
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir "/sys/fs/cgroup$CGROUP"
    for controller in cpuset cpu io memory pids; do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
      echo "+$controller" >"/sys/fs/cgroup$CGROUP/cgroup.subtree_control" 2>/dev/null || true
    done
    echo 800 >"/sys/fs/cgroup$CGROUP/cpu.weight" 2>/dev/null || true
    return
  fi
  for root in /sys/fs/cgroup/*/; do
    [ -e "${root}cgroup.procs" ] || continue
    mkdir -p "${root%/}$CGROUP"
    # A new cpuset group takes no process until it has processors and memory nodes.
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$root$file" ] || cat "$root$file" >"${root%/}$CGROUP/$file"
    done
    [ ! -e "${root}cpu.shares" ] || echo 8192 >"${root%/}$CGROUP/cpu.shares"
  done
}

start_containerd() {
  cat >"$STATE/cni/conf/10-bridge.conflist" <<EOF
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$STATE/cni/addresses", "ranges": [[{"subnet": "10.244.0.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
EOF
  # Where CAP_SYS_RESOURCE is missing, no sandbox starts unless its OOM score may be cut to what is allowed.
  cat >"$STATE/containerd.toml" <<EOF
version = 2
root = "$STATE/containerd/root"
state = "$STATE/containerd/state"
[grpc]
  address = "$STATE/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:dev"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CNI_BIN"
    conf_dir = "$STATE/cni/conf"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
EOF
  component containerd containerd --config "$STATE/containerd.toml"
}

write_kubelet_config() {
  cat >"$STATE/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$STATE/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: $CGROUP
failSwapOn: false
# Mounted Secrets follow sooner than within the minute of the default: tests of key rotation wait for them.
syncFrequency: 5s
failCgroupV1: false
protectKernelDefaults: false
resolvConf: /dev/null
clusterDomain: cluster.local
clusterDNS: [$DNS_ADDRESS]
address: $NODE_ADDRESS
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $STATE/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/kubelet.crt
tlsPrivateKeyFile: $STATE/pki/kubelet.key
healthzBindAddress: 127.0.0.1
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
EOF
}

bring_up_node() {
  start_controllers
  await containerd 120 'containerd answers' ctr --address "$STATE/containerd.sock" version
  ctr --address "$STATE/containerd.sock" --namespace k8s.io images import "$PAUSE_DIR/pause.tar" >"$LOGS/import.log" 2>&1 \
    || bring_up_failed 'the pause image could not be imported' import
  component kubelet kubelet --config "$STATE/kubelet.yaml" --kubeconfig "$STATE/kubeconfig/kubelet" \
    --hostname-override "$NODE_NAME" --node-ip "$NODE_ADDRESS" --root-dir "$STATE/kubelet" --v=1
  cat >"$STATE/kube-proxy.yaml" <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: $POD_CIDR
hostnameOverride: $NODE_NAME
bindAddress: 0.0.0.0
metricsBindAddress: 127.0.0.1:10249
clientConnection: {kubeconfig: $STATE/kubeconfig/kube-proxy}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nftables: {syncPeriod: 30s, minSyncPeriod: 100ms}
EOF
  component kube-proxy kube-proxy --config "$STATE/kube-proxy.yaml" --v=1
  cat >"$STATE/Corefile" <<EOF
.:53 {
  bind $DNS_ADDRESS
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $STATE/kubeconfig/coredns
    ttl 1
  }
}
EOF
  component coredns "$COREDNS_DIR/coredns" -conf "$STATE/Corefile"
  local kubectl=(kubectl --kubeconfig "$STATE/kubeconfig/admin")
  make_volumes | "${kubectl[@]}" create -f - >/dev/null
  await kubelet 120 'the node is ready' bash -c "${kubectl[*]} get node $NODE_NAME -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].status}' | grep -q True"
  await coredns 120 'cluster DNS is ready' bash -c 'exec 3<>/dev/tcp/127.0.0.1/8181 && printf "GET /ready HTTP/1.0\r\n\r\n" >&3 && grep -q " 200 " <&3'
  await kube-controller-manager 120 'the default service account is there' "${kubectl[@]}" get serviceaccount default -n default
}

# A default StorageClass that works as kind's does (a claim is bound when its first pod comes), over a stock of volumes
# that anybody may write to.
make_volumes() {
  cat <<'EOF'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
EOF
  local number
  for number in $(seq -w 1 24); do
    mkdir -m 777 "$STATE/volumes/$number"
    cat <<EOF
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: volume-$number}
spec:
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOnce, ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: standard
  local: {path: $STATE/volumes/$number}
  nodeAffinity:
    required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$NODE_NAME]}]}]}
EOF
  done
}
