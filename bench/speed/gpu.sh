#!/usr/bin/env bash
# On a machine with a GPU, from a checkout: installs TensorFlow for it, holds every engine there to the reference, and measures
# ms per tile of both estimators, the batch that fits, and 24 MP from end to end. Prints all; nothing is written but the engine.
# Where something is missing it says so and goes on.
# Usage: bash bench/speed/gpu.sh [side of a tile] [megapixels]
set -uo pipefail
cd "$(dirname "$0")/../.."
side=${1:-256}
megapixels=${2:-24}
say() { printf '\n== %s\n' "$*"; }

say "machine"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || echo "no NVIDIA driver"
say "engines"
npm run --silent setup:tensorflow -- --cuda || echo "TensorFlow with CUDA could not be installed"
node dist/cli/main.js doctor
say "agreement"
node --import tsx test/run.ts core/engine/engine-
say "ms per tile of $side x $side"
node --import tsx bench/speed/engines.ts "$side" 3
say "$megapixels MP from end to end, on the engine that 'auto' takes"
node --import tsx bench/speed/memory.ts "$megapixels" posterior-mean:1:3
node --import tsx bench/speed/memory.ts "$megapixels" beta-map:1:1
