# docker build --tag ferrosort .
# docker run --rm --volume /data:/data ferrosort sort /data/run_g0 --output /data/sorting
# docker build --target binary --output dist .     # only the static program, dist/ferrosort
#
# glibc is linked statically: the program needs no library of the system (docs/installing.md).
FROM rust:1.95.0-bookworm AS build
# The toolchain of the image is the one that rust-toolchain.toml names.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /ferrosort
COPY . .
ENV RUSTFLAGS="-C target-feature=+crt-static"
# With the target named, the flags are not those of build scripts and macros, which cannot be static.
RUN TARGET="$(rustc --print host-tuple)" \
    && cargo build --release --locked -p ferrosort-cli --target "$TARGET" \
    && mv "target/$TARGET/release/ferrosort" . \
    && strip ferrosort \
    && ./ferrosort man --output man

FROM scratch AS binary
COPY --from=build /ferrosort/ferrosort /

# Workflow engines want a shell, and ps to watch what a process uses.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends procps \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /ferrosort/ferrosort /usr/local/bin/
COPY --from=build /ferrosort/man /usr/local/share/man/man1
COPY LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/ferrosort/
ENTRYPOINT ["ferrosort"]
