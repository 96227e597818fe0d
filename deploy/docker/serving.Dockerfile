# Gateway and worker: one file, two targets, neither holds torch.
#   docker build --target worker --build-arg PROCESS=worker -f deploy/docker/serving.Dockerfile -t pneumoserve/worker:0.1.0 .
# The base can be any Debian 12 with python3 and its venv; pin it by digest where you have one.
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS packages
ARG PROCESS=worker
COPY requirements/${PROCESS}.txt /requirements.txt
RUN python3 -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r /requirements.txt

# What is inside, as CycloneDX, from the environment itself; it travels in the image.
FROM packages AS bill
RUN python3 -m venv /tools && /tools/bin/python -m pip install --no-cache-dir cyclonedx-bom==7.5.0 \
    && /tools/bin/cyclonedx-py environment --output-format JSON --output-file /sbom.cdx.json /venv/bin/python

FROM ${BASE} AS process
RUN groupadd --system --gid 10001 cxr \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /tmp cxr \
    && install -d -o 10001 -g 10001 /blobs /access
COPY --from=packages /venv /venv
COPY --from=bill /sbom.cdx.json /usr/share/pneumoserve/sbom.cdx.json
WORKDIR /pneumoserve
COPY cxr cxr
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.source="pneumoserve" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Research and demonstration; not a medical device"
# A laptop's addresses are wrong in a container: without these two it does not start.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    CXR_REQUIRED=CXR_REDIS_URL,CXR_TRITON_URL CXR_BLOBS_DIR=/blobs
USER 10001:10001

FROM process AS worker
LABEL org.opencontainers.image.title="pneumoserve-worker"
COPY worker worker
ENV CXR_WORKER_METRICS_PORT=9102
EXPOSE 9102
HEALTHCHECK --interval=20s --timeout=10s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9102/metrics', timeout=9)"]
CMD ["python", "-m", "worker", "run"]

FROM process AS gateway
LABEL org.opencontainers.image.title="pneumoserve-gateway"
COPY gateway gateway
ENV CXR_GATEWAY_HOST=0.0.0.0 CXR_GATEWAY_PORT=7860 CXR_GATEWAY_METRICS_PORT=9101 CXR_ACCESS_FILE=/access/access.json
EXPOSE 7860 9101
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "-m", "gateway", "serve"]
