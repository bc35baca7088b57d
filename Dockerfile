# The one image: operator, server and jobs.
#
#   docker build -t fraiseql-auth .
#
# Both bases are arguments, so that a mirror, or a base of one's own, needs no change here. BASE_IMAGE is a Debian;
# BUILD_IMAGE has node and npm in /usr/local/bin, built against a C library no newer than the base's.
ARG BASE_IMAGE=docker.io/library/debian:trixie-slim
ARG BUILD_IMAGE=docker.io/library/node:24-trixie-slim
# That of package.json: a label cannot be read from a file.
ARG VERSION=0.1.0

FROM ${BUILD_IMAGE} AS node

# What the last stage needs from Debian's packages, and nothing of what these packages need in turn only to be
# installed: perl alone, which comes with the client's wrapper scripts, is larger than all that is taken.
FROM ${BASE_IMAGE} AS tools
RUN find /lib /usr/lib -name '*.so*' | sort > /before \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends binutils ca-certificates postgresql-client
COPY --from=node /usr/local/bin/node /out/usr/local/bin/node
RUN set -eu; \
    cp /usr/lib/postgresql/*/bin/psql /usr/lib/postgresql/*/bin/pg_dump /usr/lib/postgresql/*/bin/pg_restore /out/usr/local/bin/; \
    strip --strip-unneeded /out/usr/local/bin/node; \
    ldd /out/usr/local/bin/* | awk '$2 == "=>" {print $3}' | sort -u | while read -r library; do \
      real=$(readlink -f "$library"); \
      grep -qxF "$real" /before || install -D -m 755 "$real" "/out/usr/lib/$(basename "$(dirname "$real")")/$(basename "$library")"; \
    done; \
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt; \
    echo 'fraiseql-auth:x:65532:65532::/tmp:/usr/sbin/nologin' | cat /etc/passwd - > /out/etc/passwd; \
    echo 'fraiseql-auth:x:65532:' | cat /etc/group - > /out/etc/group

# Everything but the program.
FROM ${BASE_IMAGE} AS runtime
COPY --from=tools /out/ /
RUN psql --version && pg_dump --version && pg_restore --version && node --version
ENV NODE_ENV=production TZ=UTC LANG=C.UTF-8 HOME=/tmp SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

FROM node AS build
WORKDIR /build
COPY package.json package-lock.json ./
# A registry of one's own: --secret id=npmrc,src=$HOME/.npmrc
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
ARG VERSION
RUN VERSION=$VERSION npm run --silent build \
 && chmod 755 dist/main.js && chmod -R a+rX dist \
 && mkdir -p /app && mv dist /app/dist && echo '{"type": "module"}' > /app/package.json

FROM runtime
COPY --from=build /app /app
RUN ln -s /app/dist/main.js /usr/local/bin/fraiseql-auth
ARG VERSION
LABEL org.opencontainers.image.title="fraiseql-auth" \
      org.opencontainers.image.description="The FraiseQL authentication service: its server, its operator and its jobs" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["fraiseql-auth"]
