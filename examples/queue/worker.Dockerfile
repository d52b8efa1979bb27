# A worker: takes pictures from a queue. From a checkout:
#   docker build -f examples/queue/worker.Dockerfile -t flow-denoise-worker .

FROM node:22-bookworm-slim
WORKDIR /opt/flow-denoise
COPY . .
RUN npm ci && npm run build && npm prune --omit=dev && npm install --no-save bullmq ioredis @aws-sdk/client-s3
ENV FLOW_DENOISE_CACHE=/tmp/flow-denoise
USER node
WORKDIR /pictures
ENTRYPOINT ["node", "/opt/flow-denoise/dist/cli/main.js"]
CMD ["worker"]
