# The same locked requirements as everywhere, in two stages. Runs as nobody special on a read-only
# root: all that changes is in /data, cookies for the time of a call are in /dev/shm.
FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv /venv
COPY requirements/run.txt requirements/run.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY services services
COPY storage storage
COPY migrations migrations
COPY sandbox sandbox
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --no-create-home reelay \
    && install -d -o reelay -g reelay /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    TMPDIR=/tmp \
    WEB_HOST=0.0.0.0 \
    WEB_PORT=8080
USER reelay
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/health' % os.environ['WEB_PORT'], timeout=4)"]
CMD ["reelay", "run"]
