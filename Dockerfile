# The image of auth-service: a virtual environment on a slim Python, run as uid 10001, nothing written outside /tmp.
#
# Builds with Docker and with buildah 1.28 or newer: no COPY --link, no heredocs, no build mounts.
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

# uv and hatchling, every file of them by its hash.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes --requirement requirements/build.txt

# --no-build: a source distribution would fetch its own build tools, and those have no hashes.
# --compile-bytecode: the root file system is read-only later, so Python could never cache it.
RUN uv venv --python /usr/local/bin/python /opt/auth-service \
 && uv pip install --python /opt/auth-service --require-hashes --no-build --compile-bytecode \
      --requirement requirements/runtime.txt

# The code comes last: a change to it leaves the layers above as they are.
COPY pyproject.toml README.md LICENSE ./
COPY auth_service/ auth_service/
COPY alembic/ alembic/
RUN hatchling build --target wheel --directory /wheel \
 && uv pip install --python /opt/auth-service --no-deps --offline --compile-bytecode /wheel/*.whl


FROM ${PYTHON_IMAGE} AS run
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
