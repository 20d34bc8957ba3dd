# The tool: verify, query, journal, inject. No shell, no writable file.
#   docker build -f Dockerfile.tool -t tributary .
ARG BUILD_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --profile ingester -p tributary --bin tributary --features full \
    && strip --strip-debug target/ingester/tributary

FROM ${RUNTIME_IMAGE}
COPY --from=build /src/target/ingester/tributary /usr/local/bin/tributary
USER 65532:65532
# Metrics of `tributary verify`.
EXPOSE 9464
ENTRYPOINT ["/usr/local/bin/tributary"]
