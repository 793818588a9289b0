# HomeServer in an image that holds the program and nothing else: no shell, no package manager, no root.
# It builds with and without BuildKit. Lock files are copied first, so that a change of code fetches nothing anew.

FROM node:22-bookworm-slim AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web ./
RUN npm run build

FROM golang:1.26-bookworm AS program
ENV CGO_ENABLED=0
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# What the image holds beside the program: directories that must exist, and the certificates it trusts
# when it calls out (PostgreSQL with TLS).
RUN mkdir -p /image/root/etc/ssl/certs /image/root/tmp /image/owned/data /image/owned/app/storage \
 && chmod 1777 /image/root/tmp \
 && chmod 0700 /image/owned/data /image/owned/app/storage \
 && cp -L /etc/ssl/certs/ca-certificates.crt /image/root/etc/ssl/certs/
COPY cmd cmd
COPY internal internal
COPY web/*.go web/
COPY web/static web/static
COPY --from=pages /src/web/static/dist web/static/dist
# The version shown by /health, for example: docker build --build-arg VERSION="$(git describe --tags --always)" .
ARG VERSION=
# timetzdata: time zones are in the program, since the image has none and TZ should work.
RUN go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=$VERSION" -o /image/root/homeserver ./cmd/homeserver

FROM scratch
COPY --from=program /image/root /
# A number, not a name: an orchestrator can see that it is not root. docker-compose.yml may choose another.
COPY --from=program --chown=65532:65532 /image/owned /
USER 65532:65532
# /app/storage is where the original kept its files, so its volume line keeps working; /data holds everything
# else (the database, when DATABASE_URL names no PostgreSQL).
ENV PATH=/ \
    HOME=/data \
    DATA_DIR=/data \
    STORAGE_PATH=/app/storage
# The original's directory, too: a .env mounted at /app/.env is read.
WORKDIR /app
# Whoever forgets to mount them finds the data in a volume afterwards instead of losing it with the container.
VOLUME ["/data", "/app/storage"]
EXPOSE 8000
# Requests under way get 20 s to finish; docker's own 10 s would cut them: docker stop -t 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["/homeserver", "healthcheck"]
ENTRYPOINT ["/homeserver"]
CMD ["serve"]
