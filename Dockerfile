# Deepfake Lab as a container. With CUDA (the torch of the registry):   docker build -t deepfake-lab .
# For CPUs, without 4 GB of CUDA libraries:                              docker build -t deepfake-lab --build-arg DEVICE=cpu \
#   --build-arg TORCH_OPTIONS="--index-url <the CPU index that pytorch.org/get-started names>" .
# Run:  docker run -p 7860:7860 -v deepfake-lab:/data [--gpus all] [-e DEEPFAKE_PULL=fomm-vox-adv] deepfake-lab
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

# OpenCV needs both (packages.txt is what Spaces install).
WORKDIR /app
COPY packages.txt .
RUN apt-get update \
    && xargs -r -a packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*

ARG DEVICE=cuda
ARG TORCH_OPTIONS=""
COPY requirements.txt .
RUN if [ "$DEVICE" = cpu ] && [ -z "$TORCH_OPTIONS" ]; then echo "DEVICE=cpu needs TORCH_OPTIONS" >&2; exit 2; fi; \
    pip install --no-cache-dir $TORCH_OPTIONS torch torchvision \
    && pip install --no-cache-dir -r requirements.txt

COPY . .
RUN useradd --create-home lab && install -d -o lab /data
USER lab
ENV DEEPFAKE_HOME=/data/lab HF_HOME=/data/hub TORCH_HOME=/data/torch \
    GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 GRADIO_ANALYTICS_ENABLED=False PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=2m CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/', timeout=5)"]
CMD ["python", "app.py"]
