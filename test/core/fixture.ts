// The four fixture priors with their cases: log density and score by an independent implementation in float64.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TilePoint } from '#src/core/engine/engine.js';
import { loadPrior, type Prior } from '#src/core/model/load-prior.js';
import { readSafetensors } from '#src/core/model/safetensors.js';
import type { PictureShape } from '#src/core/ops/tensor-ops.js';

export const FIXTURES = ['conditioned', 'squeeze-first', 'three-levels', 'unconditioned'] as const;
export type FixtureName = (typeof FIXTURES)[number];

export const fixtureFolder = (name: FixtureName) =>
  fileURLToPath(new URL(`../fixtures/${name}/`, import.meta.url));

interface Batch {
  readonly shape: PictureShape;
  /** [B, C, H, W] */
  readonly y: Float32Array;
  /** [B], [0, 1] units. */
  readonly sigma: Float32Array;
}

export interface Fixture {
  readonly prior: Prior;
  /** Three pictures at three noise levels. */
  readonly batch: Batch;
  readonly logDensity: Float64Array;
  readonly score: Float64Array;
}

export async function loadFixture(name: FixtureName): Promise<Fixture> {
  const folder = fixtureFolder(name);
  const cases = readSafetensors(await readFile(`${folder}cases.safetensors`));
  const find = (key: string) => {
    const tensor = cases.get(key);
    if (!tensor) throw new Error(`${folder}cases.safetensors has no ${key}`);
    return tensor;
  };
  const [batch = 0, channels = 0, height = 0, width = 0] = find('y').shape;
  return {
    prior: await loadPrior(folder),
    batch: {
      shape: { batch, channels, height, width },
      y: Float32Array.from(find('y').data),
      sigma: Float32Array.from(find('sigma').data),
    },
    logDensity: Float64Array.from(find('logDensity').data),
    score: Float64Array.from(find('score').data),
  };
}

/** The pictures of a batch, each alone. */
export function tilesOf({ shape: { batch, ...shape }, y, sigma }: Batch): TilePoint[] {
  const size = y.length / batch;
  return Array.from({ length: batch }, (_, i) => ({
    shape,
    y: y.slice(i * size, (i + 1) * size),
    sigma: sigma[i] as number,
  }));
}
