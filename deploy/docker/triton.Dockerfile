# NVIDIA's Triton with what the CPU profile of the model needs on top.
FROM nvcr.io/nvidia/tritonserver:26.07-py3
RUN pip install --no-cache-dir openvino==2026.4.1
COPY model_repository /models
ENTRYPOINT ["tritonserver", "--model-repository=/models", "--model-control-mode=explicit", \
    "--load-model=pneumonia_classifier", "--allow-http=false", "--exit-timeout-secs=5"]
EXPOSE 8001 8002
