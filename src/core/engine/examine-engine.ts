// Examines an engine for `flow-denoise doctor`: whether it opens, what computes, how fast, how far its score is from the reference.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FlowDenoiseError } from '../errors.js';
import { findPrior } from '../model/find-prior.js';
import { loadPrior } from '../model/load-prior.js';
import { readSafetensors } from '../model/safetensors.js';
import { checkTile, deviation } from './check-tile.js';
import { type Device, type Engine, type EngineName, timeLanes } from './engine.js';
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

interface UnavailableEngine {
  readonly name: EngineName;
  readonly isAvailable: false;
  readonly reason: string;
}

export type EngineExamination = AvailableEngine | UnavailableEngine;

/** The score of checkTile(REFERENCE_SIDE) under a prior, computed in float64 by loops. */
async function storedScore(folder: string): Promise<ArrayLike<number>> {
  const stored = readSafetensors(await readFile(path.join(folder, 'check.safetensors')));
  const score = stored.get('score');
  if (!score) throw new FlowDenoiseError('BAD_PRIOR', `${folder}/check.safetensors has no score; reinstall`);
  return score.data;
}

/** Opens an engine, measures it and closes it; takes seconds. If the engine is unavailable or fails, returns the reason. */
export async function examineEngine(name: EngineName): Promise<EngineExamination> {
  const folder = findPrior('natural');
  let engine: Engine | undefined;
  try {
    const opened = await openEngine(await loadPrior(folder), { engine: name });
    engine = opened;
    const { device, lanes, threads } = opened;
    const { score } = await opened.evaluate(checkTile(REFERENCE_SIDE));
    const tileSide = TIMED_SIDE[device.kind];
    const { second } = await timeLanes(opened, checkTile(tileSide));
    const msPerTile = (1000 * second) / lanes;
    const found = deviation(score, await storedScore(folder));
    return { name, isAvailable: true, ...device, threads, msPerTile, tileSide, deviation: found };
  } catch (error) {
    if (!(error instanceof FlowDenoiseError)) throw error;
    return { name, isAvailable: false, reason: error.message };
  } finally {
    await engine?.close();
  }
}
