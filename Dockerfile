# docker build --tag ferrosort .
# docker run --rm --volume /data:/data ferrosort sort /data/run_g0 --output /data/sorting
# docker build --target binary --output dist .     # only the static program, dist/ferrosort
#
# Alpine's own target is x86_64-unknown-linux-musl: what is built there needs no library of the system.
FROM rust:1.95.0-alpine AS build
RUN apk add --no-cache musl-dev
# The toolchain of the image is the one that rust-toolchain.toml names.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /ferrosort
COPY . .
RUN cargo build --release --locked -p ferrosort-cli \
    && strip target/release/ferrosort \
    && target/release/ferrosort man --output man

FROM scratch AS binary
COPY --from=build /ferrosort/target/release/ferrosort /

# Workflow engines want a shell, and ps to watch what a process uses.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends procps \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /ferrosort/target/release/ferrosort /usr/local/bin/
COPY --from=build /ferrosort/man /usr/local/share/man/man1
COPY LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/ferrosort/
ENTRYPOINT ["ferrosort"]
