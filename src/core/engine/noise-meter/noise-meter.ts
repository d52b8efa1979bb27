// The noise network in its own thread, so that measuring noise leaves the event loop free. It is the same for every engine:
// the noise found does not depend on where the prior runs.
import { createHash } from 'node:crypto';
import { FlowDenoiseError } from '../../errors.js';
import type { PictureLevels } from '../../noise/estimate/picture-head.js';
import type { Size } from '../../picture.js';
import { forbidTelemetry } from '../onnx/onnx-runtime.js';
import { type RequestThread, startThread } from '../request-thread.js';
import type { MeterTask } from './noise-meter-worker.js';

export interface NoiseMeter {
  /**
   * The network's readings of a tile.
   *
   * @param tile  planar [3, height, width], RGB in [0, 1], sides multiples of 16; its buffer is taken over
   * @returns     [2 * LEVELS + FEATURES, height / 16, width / 16], see noise-network.ts
   * @throws      FlowDenoiseError ENGINE_FAILED, CLOSED
   */
  measure(tile: Float32Array, size: Size): Promise<Float32Array>;
  /** The levels of a whole picture from its cells, [count, CELL_INPUTS]; their buffer is taken over. See picture-head.ts. */
  pool(cells: Float32Array): Promise<PictureLevels>;
  close(): Promise<void>;
}

const failed = (reason: string) =>
  new FlowDenoiseError('ENGINE_FAILED', `the noise could not be measured: ${reason}; pass sigma`);

/** Opens a noise meter; its thread starts with the first tile. */
export function openNoiseMeter(): NoiseMeter {
  let thread: RequestThread<MeterTask, Float32Array | PictureLevels> | undefined;
  let isClosed = false;

  async function ask(task: MeterTask, samples: Float32Array): Promise<Float32Array | PictureLevels> {
    if (isClosed) throw new FlowDenoiseError('CLOSED', 'the denoiser is closed; open a new one');
    if (!thread?.isAlive) {
      forbidTelemetry();
      thread = startThread(new URL('./noise-meter-worker.js', import.meta.url), failed);
    }
    return thread.ask(task, [samples]);
  }

  return {
    measure: (tile, { height, width }) => ask({ tile, height, width }, tile) as Promise<Float32Array>,
    pool: (cells) => ask({ cells }, cells) as Promise<PictureLevels>,
    async close() {
      isClosed = true;
      await thread?.close(new FlowDenoiseError('CLOSED', 'the denoiser was closed while it measured noise'));
    },
  };
}

/** The number of tiles kept, about 24 kB each: those of eight pictures. */
const MOST_KEPT = 64;

/**
 * A noise meter that measures each tile once: choosing a prior, the denoiser and a preview's results read the same tiles.
 * It recognises tiles by their samples, so a picture that a program has changed is measured again. Closing it closes `meter`.
 */
export function rememberReadings(meter: NoiseMeter): NoiseMeter {
  const known = new Map<string, Promise<Float32Array>>();
  return {
    ...meter,
    measure(tile, size) {
      const key = `${size.height}x${size.width} ${createHash('sha1').update(tile).digest('base64')}`;
      const readings = known.get(key) ?? meter.measure(tile, size);
      known.set(key, readings);
      // Do not keep failures.
      readings.catch(() => known.delete(key));
      const [oldest] = known.keys();
      if (known.size > MOST_KEPT && oldest !== undefined) known.delete(oldest);
      return readings;
    },
  };
}
