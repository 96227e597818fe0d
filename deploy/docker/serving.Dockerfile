# Gateway and worker: one file, two targets; neither holds torch.
FROM python:3.11.13-slim-bookworm AS packages
ARG PROCESS=worker
COPY requirements/${PROCESS}.txt /requirements.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /requirements.txt

FROM python:3.11.13-slim-bookworm AS process
RUN useradd --system --uid 10001 --no-create-home cxr && install -d -o cxr -g cxr /blobs
COPY --from=packages /venv /venv
WORKDIR /pneumoserve
COPY cxr cxr
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CXR_BLOBS_DIR=/blobs
USER 10001

FROM process AS worker
COPY worker worker
CMD ["python", "-m", "worker", "run"]

FROM process AS gateway
COPY gateway gateway
ENV CXR_GATEWAY_HOST=0.0.0.0 GRADIO_ANALYTICS_ENABLED=0 GRADIO_TEMP_DIR=/tmp/gradio
EXPOSE 7860
CMD ["python", "-m", "gateway", "serve"]
