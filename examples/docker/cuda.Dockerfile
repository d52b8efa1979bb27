# flow-denoise with TensorFlow on CUDA, from registries only: the base image's, Debian's, npm's and PyPI's.
#
#   docker build -f examples/docker/cuda.Dockerfile -t flow-denoise .        in a checkout
#   docker run --rm --gpus all -v "$PWD/photos:/photos" flow-denoise /photos -o /photos/clean
#
# --gpus needs NVIDIA's driver and container toolkit on the host; CUDA itself is in the image. No GPU is needed to
# build it: the installation is verified on the CPU then.

FROM node:22-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv g++ make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/flow-denoise
COPY . .
RUN npm ci && npm run build
ENV FLOW_DENOISE_CACHE=/opt/cache
RUN node dist/cli/main.js engines install tensorflow --cuda
RUN npm prune --omit=dev

FROM node:22-bookworm-slim
COPY --from=build /opt/flow-denoise/package.json /opt/flow-denoise/
COPY --from=build /opt/flow-denoise/node_modules /opt/flow-denoise/node_modules
COPY --from=build /opt/flow-denoise/dist /opt/flow-denoise/dist
COPY --from=build /opt/flow-denoise/models /opt/flow-denoise/models
COPY --from=build /opt/cache /opt/cache
ENV FLOW_DENOISE_CACHE=/opt/cache \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENTRYPOINT ["node", "/opt/flow-denoise/dist/cli/main.js"]
