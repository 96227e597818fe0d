# NVIDIA's Triton with what the CPU profile of the classifier, and the model of whole files, need on top.
FROM nvcr.io/nvidia/tritonserver:26.07-py3
COPY requirements/worker.txt /tmp/worker.txt
RUN pip install --no-cache-dir openvino==2026.4.1 \
    && pip install --no-cache-dir --no-deps --require-hashes -r /tmp/worker.txt
WORKDIR /pneumoserve
COPY cxr cxr
COPY worker worker
COPY model_repository /models
ENTRYPOINT ["tritonserver", "--model-repository=/models", "--model-control-mode=explicit", \
    "--load-model=pneumonia_classifier", "--load-model=pneumonia", "--allow-http=false", "--exit-timeout-secs=5"]
EXPOSE 8001 8002
