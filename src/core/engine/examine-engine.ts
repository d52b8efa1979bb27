// Examines an engine on this machine for `flow-denoise doctor`: whether it opens, what computes, how fast, and how far its
// score is from the reference. open-engine.ts chooses an engine.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FlowDenoiseError } from '../errors.js';
import { findPrior } from '../model/find-prior.js';
import { loadPrior, type Prior } from '../model/load-prior.js';
import { readSafetensors } from '../model/safetensors.js';
import { checkTile, deviation } from './check-tile.js';
import type { Device, Engine, EngineName } from './engine.js';
import { openEngine } from './open-engine.js';

/** The side of the tile whose score is stored. */
export const REFERENCE_SIDE = 32;
/** The side of the tile that is timed. Software GPUs get a small one: a large one takes minutes. */
const TIMED_SIDE = { cpu: 128, gpu: 128, 'software-gpu': 32 } as const;

export interface AvailableEngine extends Device {
  readonly name: EngineName;
  readonly isAvailable: true;
  readonly threads: number;
  /** Time for one evaluation with all lanes busy, divided by the number of tiles; and the tile's side in pixels. */
  readonly msPerTile: number;
  readonly tileSide: number;
  /** The norm of (score - reference), divided by the reference's norm. */
  readonly deviation: number;
}

export interface UnavailableEngine {
  readonly name: EngineName;
  readonly isAvailable: false;
  readonly reason: string;
}

export type EngineExamination = AvailableEngine | UnavailableEngine;

export interface CheckedPrior {
  readonly prior: Prior;
  /** The score of checkTile(REFERENCE_SIDE), computed in float64 by loops. */
  readonly score: Float32Array;
}

/** The prior that engines are examined with, and its stored score. */
export async function loadCheckedPrior(): Promise<CheckedPrior> {
  const folder = findPrior('natural');
  const stored = readSafetensors(await readFile(path.join(folder, 'check.safetensors')));
  const score = stored.get('score');
  if (!score) throw new FlowDenoiseError('BAD_PRIOR', `${folder}/check.safetensors has no score; reinstall`);
  return { prior: await loadPrior(folder), score: Float32Array.from(score.data) };
}

async function measure(engine: Engine, { score }: CheckedPrior) {
  const reference = await engine.evaluate(checkTile(REFERENCE_SIDE));
  const tileSide = TIMED_SIDE[engine.device.kind];
  const timed = checkTile(tileSide);
  const all = () =>
    Promise.all(
      Array.from({ length: engine.lanes }, () => engine.evaluate({ ...timed, y: timed.y.slice() })),
    );
  // The first run records graphs and compiles kernels, and its batches are still small.
  await all();
  const started = performance.now();
  await all();
  const msPerTile = (performance.now() - started) / engine.lanes;
  return { msPerTile, tileSide, deviation: deviation(reference.score, score) };
}

/** Opens an engine, measures it and closes it; takes seconds. If the engine is unavailable or fails, returns the reason. */
export async function examineEngine(
  name: EngineName,
  checked: CheckedPrior,
  threads?: number,
): Promise<EngineExamination> {
  let engine: Engine | undefined;
  try {
    engine = await openEngine(checked.prior, { engine: name, threads });
    const measured = await measure(engine, checked);
    return { name, isAvailable: true, ...engine.device, threads: engine.threads, ...measured };
  } catch (error) {
    if (!(error instanceof FlowDenoiseError)) throw error;
    return { name, isAvailable: false, reason: error.message };
  } finally {
    await engine?.close();
  }
}
