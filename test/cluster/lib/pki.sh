# shellcheck shell=bash
# The certificates and kubeconfigs of one cluster. They live as long as it does.

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

make_ca() {
  new_key "$STATE/pki/ca.key"
  openssl req -x509 -new -key "$STATE/pki/ca.key" -subj /CN=fraiseql-test-ca -days 3 -out "$STATE/pki/ca.crt" 2>/dev/null
}

# certificate NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
certificate() {
  local file=$STATE/pki/$1
  new_key "$file.key"
  openssl req -new -key "$file.key" -subj "$2" -out "$file.csr"
  openssl x509 -req -in "$file.csr" -CA "$STATE/pki/ca.crt" -CAkey "$STATE/pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
    -days 3 -out "$file.crt" -extfile <(
      echo keyUsage=digitalSignature
      echo extendedKeyUsage=serverAuth,clientAuth
      [ -z "${3-}" ] || echo "subjectAltName=$3"
    ) 2>/dev/null
}

# kubeconfig NAME: for the certificate of that name.
kubeconfig() {
  cat >"$STATE/kubeconfig/$1" <<EOF
apiVersion: v1
kind: Config
current-context: test
clusters:
  - name: test
    cluster:
      server: $API_SERVER
      certificate-authority-data: $(base64 -w0 "$STATE/pki/ca.crt")
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w0 "$STATE/pki/$1.crt")
      client-key-data: $(base64 -w0 "$STATE/pki/$1.key")
contexts:
  - name: test
    context: {cluster: test, user: $1}
EOF
}

# identity NAME SUBJECT: a client certificate and its kubeconfig.
identity() {
  certificate "$1" "$2"
  kubeconfig "$1"
}
