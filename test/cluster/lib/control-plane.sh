# shellcheck shell=bash
# etcd, kube-apiserver, kube-controller-manager, kube-scheduler.

SERVICE_CIDR=10.96.0.0/16
POD_CIDR=10.244.0.0/16

bring_up_api() {
  local ports=(6443 2379 2380) listen=0.0.0.0
  if [ -n "$FRAISEQL_HOST_NET" ]; then
    hold_free_ports 3
    ports=("${HELD_PORTS[@]}")
    listen=127.0.0.1
  else
    ip link set lo up
  fi
  [ -n "$FRAISEQL_HOST_NET$FRAISEQL_API_ONLY" ] || make_node_network
  API_SERVER=https://127.0.0.1:${ports[0]}
  local etcd=http://127.0.0.1:${ports[1]} peer=http://127.0.0.1:${ports[2]}

  component etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"

  make_ca
  certificate apiserver /CN=kube-apiserver \
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:10.96.0.1,IP:$NODE_ADDRESS"
  openssl genrsa -out "$STATE/pki/service-account.key" 2048 2>/dev/null
  cat >"$STATE/audit-policy.yaml" <<'EOF'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, verbs: [get, list, watch]}
  - {level: Metadata}
EOF
  local flags=(
    --bind-address="$listen" --secure-port="${ports[0]}" --etcd-servers="$etcd"
    --client-ca-file="$STATE/pki/ca.crt"
    --tls-cert-file="$STATE/pki/apiserver.crt" --tls-private-key-file="$STATE/pki/apiserver.key"
    --service-account-issuer=https://kubernetes.default.svc.cluster.local
    --service-account-key-file="$STATE/pki/service-account.key"
    --service-account-signing-key-file="$STATE/pki/service-account.key"
    --service-cluster-ip-range="$SERVICE_CIDR" --authorization-mode=Node,RBAC
    --enable-admission-plugins=NodeRestriction --anonymous-auth=true --allow-privileged=true
    --audit-policy-file="$STATE/audit-policy.yaml" --audit-log-path="$LOGS/audit.log" --audit-log-mode=blocking-strict
    --profiling=false --v=1
  )
  if [ -n "$FRAISEQL_API_ONLY" ]; then
    flags+=(--endpoint-reconciler-type=none --advertise-address="$NODE_ADDRESS")
  else
    certificate kubelet-client /O=system:masters/CN=kube-apiserver
    flags+=(
      --advertise-address="$NODE_ADDRESS" --kubelet-preferred-address-types=InternalIP
      --kubelet-certificate-authority="$STATE/pki/ca.crt"
      --kubelet-client-certificate="$STATE/pki/kubelet-client.crt" --kubelet-client-key="$STATE/pki/kubelet-client.key"
    )
  fi
  component kube-apiserver kube-apiserver "${flags[@]}"
  identity admin /O=system:masters/CN=admin
  [ -n "$FRAISEQL_API_ONLY" ] || prepare_node
  await kube-apiserver 120 'the API server is ready' kubectl --kubeconfig "$STATE/kubeconfig/admin" get --raw /readyz
}

start_controllers() {
  component kube-controller-manager kube-controller-manager --kubeconfig="$STATE/kubeconfig/controller-manager" \
    --use-service-account-credentials --leader-elect=false --bind-address=127.0.0.1 \
    --allocate-node-cidrs --cluster-cidr="$POD_CIDR" --service-cluster-ip-range="$SERVICE_CIDR" \
    --service-account-private-key-file="$STATE/pki/service-account.key" --root-ca-file="$STATE/pki/ca.crt" \
    --cluster-signing-cert-file="$STATE/pki/ca.crt" --cluster-signing-key-file="$STATE/pki/ca.key" \
    --pvclaimbinder-sync-period=2s --kube-api-qps=300 --kube-api-burst=600 --v=1
  component kube-scheduler kube-scheduler --kubeconfig="$STATE/kubeconfig/scheduler" --leader-elect=false \
    --bind-address=127.0.0.1 --v=1
}

# Ports of the machine that nobody listens on, below those that the kernel hands out, into HELD_PORTS; each is held by a
# lock for as long as this cluster lives, so that two that start together do not choose the same.
hold_free_ports() {
  local wanted=$1 port held
  HELD_PORTS=()
  mkdir -p "$CACHE/.ports"
  while [ ${#HELD_PORTS[@]} -lt "$wanted" ]; do
    port=$((20000 + RANDOM % 12000))
    [ -z "$(ss -Htln "sport = :$port")" ] || continue
    exec {held}>"$CACHE/.ports/$port"
    if flock -n "$held"; then HELD_PORTS+=("$port"); else exec {held}>&-; fi
  done
}
