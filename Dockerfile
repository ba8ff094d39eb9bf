# The image of auth-service: a virtual environment on a slim Python, run as uid 10001, nothing written outside /tmp.
#
# Builds with Docker and with buildah 1.28 or newer: no COPY --link, no heredocs, no build mounts. With buildah say
# --format docker: the other format has no HEALTHCHECK.
# A release pins the base: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:<digest>
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# For `strip` alone; of what Debian signs, nothing of this stage goes into the image.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*

# uv and hatchling, every file of them by its hash; and, apart from them, what lists the contents.
COPY requirements/build.txt requirements/otel.txt requirements/sbom.txt requirements/
RUN pip install --require-hashes --requirement requirements/build.txt \
 && uv venv --python /usr/local/bin/python /opt/sbom \
 && uv pip install --python /opt/sbom --require-hashes --no-build --requirement requirements/sbom.txt

# --no-build: a source distribution would fetch its own build tools, and those have no hashes.
# Wheels bring debugging symbols along, a third of their size.
RUN uv venv --python /usr/local/bin/python /opt/auth-service \
 && uv pip install --python /opt/auth-service --require-hashes --no-build --requirement requirements/otel.txt \
 && find /opt/auth-service -name '*.so' -exec strip --strip-debug {} +

# The code comes last: a change to it leaves the layers above as they are.
COPY pyproject.toml README.md LICENSE ./
COPY requirements/complete_sbom.py requirements/
COPY auth_service/ auth_service/
COPY alembic/ alembic/
RUN hatchling build --target wheel --directory /wheel \
 && uv pip install --python /opt/auth-service --no-deps --offline /wheel/*.whl \
 && /opt/sbom/bin/cyclonedx-py environment /opt/auth-service --pyproject pyproject.toml --output-reproducible \
      --output-file /opt/auth-service/sbom.cdx.json \
 && /opt/auth-service/bin/python requirements/complete_sbom.py /opt/auth-service/sbom.cdx.json

# The root file system is read-only later, so Python could never cache its bytecode; what never runs needs none.
RUN /opt/auth-service/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      -x '/(pygments/lexers|pygments/styles|testing|tests|dialects/(mssql|mysql|oracle))/' /opt/auth-service/lib


FROM ${PYTHON_IMAGE} AS run
ARG PYTHON_IMAGE
# The commit that is built: --build-arg REVISION="$(git rev-parse HEAD)"
ARG REVISION=unknown
LABEL org.opencontainers.image.title="auth-service" \
      org.opencontainers.image.description="A small identity service: sign-in, user management, tokens that other services verify." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
# The user has a name and a home because libraries ask for them; the home is where a volume for SQLite goes.
RUN pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
 && groupadd --gid 10001 auth-service \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/auth-service --shell /usr/sbin/nologin auth-service \
 && install --directory --owner=10001 --group=10001 /var/lib/auth-service
COPY --from=build /opt/auth-service /opt/auth-service
ENV PATH=/opt/auth-service/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/auth-service

# Group and user both: a bare uid would get group 0.
USER 10001:10001
EXPOSE 8000
# For plain Docker; Kubernetes ignores it and has probes of its own.
HEALTHCHECK --start-period=30s --timeout=4s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=3)"]

ENTRYPOINT ["auth-service"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
