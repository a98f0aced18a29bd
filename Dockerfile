# eitk with the local studio, the ARM compiler and QEMU, for a user without rights.
#   docker build --tag eitk . && docker run --rm --volume "$PWD:/work" eitk demo

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/user.txt requirements/user.txt
RUN python -m venv /opt/eitk \
    && /opt/eitk/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements/user.txt
COPY . .
RUN /opt/eitk/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && find /opt/eitk \( -name __pycache__ -o -name tests \) -prune -exec rm -r {} + \
    && rm -r /opt/eitk/lib/python3.12/site-packages/tensorflow/include

FROM python:3.12-slim-bookworm AS runtime
# The compilers of the two virtual boards, and QEMU; the same packages as scripts/setup. Of the C libraries for 20 kinds of
# processors (600 MB), the one for the Cortex-M4F of the board is kept. Debian's stable release fixes the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        g++ gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-dev qemu-system-arm \
    && rm -rf /var/lib/apt/lists/* \
    && rm -r /usr/lib/arm-none-eabi/newlib/arm /usr/lib/gcc/arm-none-eabi/*/arm \
    && find /usr/lib/arm-none-eabi/newlib/thumb /usr/lib/gcc/arm-none-eabi/*/thumb -mindepth 1 -maxdepth 1 \
        ! -name v7e-m+fp -exec rm -r {} +
COPY --from=build /opt/eitk /opt/eitk
RUN useradd --create-home --uid 1000 eitk && install --directory --owner eitk /work
ENV PATH=/opt/eitk/bin:$PATH
USER 1000
WORKDIR /work
ENTRYPOINT ["eitk"]
CMD ["--help"]

# The environment of .devcontainer: everything that tests and lint need.
FROM runtime AS development
USER 0
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium git nodejs npm sudo \
    && rm -rf /var/lib/apt/lists/* \
    && echo "eitk ALL=(root) NOPASSWD: ALL" >/etc/sudoers.d/eitk
USER 1000
ENTRYPOINT []
CMD ["bash"]
