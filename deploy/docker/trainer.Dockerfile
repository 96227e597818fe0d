# The trainer: a command line with PyTorch. Data and runs are mounted:
#   docker run --rm -v $DATA:/data:ro -v $PWD/runs:/pneumoserve/runs pneumoserve/trainer:0.1.0 train --run mine
# For a GPU take PyTorch's CUDA build: --build-arg TORCH="torch==2.13.0 --index-url ..."
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS packages
ARG TORCH="torch==2.13.0"
COPY requirements/trainer.txt /requirements.txt
RUN python3 -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r /requirements.txt \
    && /venv/bin/python -m pip install --no-cache-dir ${TORCH}

FROM packages AS bill
RUN python3 -m venv /tools && /tools/bin/python -m pip install --no-cache-dir cyclonedx-bom==7.5.0 \
    && /tools/bin/cyclonedx-py environment --output-format JSON --output-file /sbom.cdx.json /venv/bin/python

FROM ${BASE}
RUN groupadd --system --gid 10001 cxr \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /tmp cxr \
    && install -d -o 10001 -g 10001 /pneumoserve/runs
COPY --from=packages /venv /venv
COPY --from=bill /sbom.cdx.json /usr/share/pneumoserve/sbom.cdx.json
WORKDIR /pneumoserve
COPY cxr cxr
COPY trainer trainer
COPY model_repository model_repository
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pneumoserve-trainer" \
      org.opencontainers.image.source="pneumoserve" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Research and demonstration; not a medical device"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp CXR_DATA=/data
USER 10001:10001
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "trainer"]
CMD ["--help"]
