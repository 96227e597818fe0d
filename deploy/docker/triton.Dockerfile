# NVIDIA's Triton 2.71 (TensorRT 11.1), of which the security bulletins want 25.10 or newer. Two targets:
#   triton  what serves: adds OpenVINO (the CPU profile) and what the model of whole files needs
#   engine  what Kubernetes runs before it: adds TensorRT's Python bindings, of the same version, and the trainer's steps
#           that need no torch (python -m trainer provision)
ARG BASE=nvcr.io/nvidia/tritonserver:26.07-py3

FROM ${BASE} AS packages
# The container's own Python is the one that Triton's backend runs.
ENV PIP_BREAK_SYSTEM_PACKAGES=1
COPY requirements/worker.txt /tmp/worker.txt
RUN python3 -m pip install --no-cache-dir openvino==2026.4.1 \
    && python3 -m pip install --no-cache-dir --no-deps --require-hashes -r /tmp/worker.txt \
    && rm /tmp/worker.txt

# The Python packages inside, as CycloneDX; what the base brings besides is in NVIDIA's own papers.
FROM packages AS bill
RUN python3 -m venv --without-pip /tools \
    && python3 -m pip --python /tools/bin/python install --no-cache-dir cyclonedx-bom==7.5.0 \
    && /tools/bin/cyclonedx-py environment --output-format JSON --output-file /sbom.cdx.json /usr/bin/python3

FROM packages AS triton
COPY --from=bill /sbom.cdx.json /usr/share/pneumoserve/sbom.cdx.json
WORKDIR /pneumoserve
COPY cxr cxr
COPY worker worker
COPY model_repository /models
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pneumoserve-triton" \
      org.opencontainers.image.source="pneumoserve" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-NVIDIA" \
      org.opencontainers.image.description="Research and demonstration; not a medical device"
ENV PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER 1000:1000
EXPOSE 8001 8002
# There is no gRPC health client in here; the metrics page comes up together with the model.
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s --retries=6 \
    CMD ["curl", "-fsS", "http://127.0.0.1:8002/metrics"]
ENTRYPOINT ["tritonserver"]
CMD ["--model-repository=/models", "--model-control-mode=none", "--allow-http=false", \
     "--grpc-max-connection-age=60000", "--grpc-max-connection-age-grace=60000", "--exit-timeout-secs=30"]

FROM triton AS engine-packages
USER 0:0
# Compose's volumes take their owner from these folders.
RUN install -d -o 1000 -g 1000 /repository /engines
# The bindings alone, over the libraries that the container has; under the name that programs import.
RUN python3 -m pip install --no-cache-dir --no-deps tensorrt-cu13-bindings==11.1.0.106 \
    && python3 -c "import site; open(site.getsitepackages()[0] + '/tensorrt.py', 'w').write('import sys, tensorrt_bindings\nsys.modules[__name__] = tensorrt_bindings\n')"

FROM engine-packages AS engine-bill
RUN python3 -m venv --without-pip /tools \
    && python3 -m pip --python /tools/bin/python install --no-cache-dir cyclonedx-bom==7.5.0 \
    && /tools/bin/cyclonedx-py environment --output-format JSON --output-file /sbom.cdx.json /usr/bin/python3

FROM engine-packages AS engine
LABEL org.opencontainers.image.title="pneumoserve-engine"
COPY --from=engine-bill /sbom.cdx.json /usr/share/pneumoserve/sbom.cdx.json
COPY trainer trainer
USER 1000:1000
HEALTHCHECK NONE
ENTRYPOINT []
CMD ["python3", "-m", "trainer", "provision"]
