"""The served model on a GPU: alone, and inside the pip-installed Triton where no TensorRT can be had."""
