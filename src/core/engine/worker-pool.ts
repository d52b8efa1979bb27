// Several worker threads, each with a local engine, behind one interface. An evaluation goes to a free thread. Engines
// compute synchronously, so the threads keep the event loop free.
import { badOption, FlowDenoiseError, messageOf } from '../errors.js';
import { squeezeFactor } from '../flow/architecture.js';
import type { Climb } from '../inference/climb.js';
import type { Answer, Density } from '../inference/estimation.js';
import type { Prior } from '../model/load-prior.js';
import type { ClimbPoint, Engine, EngineName, TilePoint } from './engine.js';
import type { EngineTask, EngineWorkerData, ReadyEngine } from './engine-worker.js';
import { forbidTelemetry } from './onnx/onnx-runtime.js';
import { prepareTensorflowEnvironment } from './packages/tensorflow-package.js';
import { type RequestThread, startThread } from './request-thread.js';

type EngineThread = RequestThread<EngineTask, ReadyEngine | Answer>;

/** Pixels that justify a further thread: starting one and making its session takes a while. */
const WORTH_A_THREAD = 128 * 128;

/** @throws FlowDenoiseError BAD_OPTION for a tile that the flow cannot take */
function checkPoint(tile: TilePoint | ClimbPoint, multiple: number): void {
  const { channels, height, width } = tile.shape;
  const size = channels * height * width;
  const isWhole =
    tile.y.length === size &&
    (!('climb' in tile) ||
      (tile.climb.noisy.length === size && [1, height * width, size].includes(tile.climb.precision.length)));
  if (channels === 3 && height % multiple === 0 && width % multiple === 0 && isWhole) return;
  throw badOption(
    `Expected a tile of 3 channels with sides that are multiples of ${multiple} and all its samples but received ` +
      `${channels} x ${height} x ${width} with ${tile.y.length} samples`,
  );
}

/**
 * One thread is started at once, the others when there is work for them.
 *
 * @throws FlowDenoiseError ENGINE_UNAVAILABLE when the engine does not open, ENGINE_FAILED from `evaluate`
 */
export async function openWorkerPool(
  name: EngineName,
  { model, weights }: Prior,
  threads: number,
): Promise<Omit<Engine, 'why'>> {
  const multiple = squeezeFactor(model);
  const pool: EngineThread[] = [];
  // Holds the weights; released when all threads have started.
  let data: EngineWorkerData | undefined = { name, prior: { model, weights } };
  let askedPixels = 0;
  let isOpen = false;
  let isClosed = false;

  const failed = (reason: string) =>
    isOpen
      ? new FlowDenoiseError('ENGINE_FAILED', `engine ${name} failed: ${reason}`)
      : new FlowDenoiseError(
          'ENGINE_UNAVAILABLE',
          `engine ${name} is not available: ${reason.split('\n')[0]}`,
        );

  function start(): EngineThread {
    const program = new URL('./engine-worker.js', import.meta.url);
    const thread: EngineThread = startThread(program, failed, data);
    if (pool.push(thread) === threads) data = undefined;
    return thread;
  }

  /** The thread with the fewest evaluations in flight, or a new one if all are busy and there was enough work. */
  function freeThread(): EngineThread {
    const [thread] = pool.filter(({ isAlive }) => isAlive).sort((a, b) => a.waiting - b.waiting);
    const isWorth = askedPixels > pool.length * WORTH_A_THREAD;
    if (thread && !(data && isWorth && thread.waiting > 0)) return thread;
    if (!data) throw failed('its threads have ended; open a new denoiser');
    return start();
  }

  async function run(tile: TilePoint | ClimbPoint, samples: readonly Float32Array[]): Promise<Answer> {
    checkPoint(tile, multiple);
    if (isClosed) throw new FlowDenoiseError('CLOSED', 'the engine is closed; open a new denoiser');
    askedPixels += tile.shape.height * tile.shape.width;
    return freeThread().ask(tile, samples) as Promise<Answer>;
  }

  try {
    // Native libraries read variables when they load, and cannot see a thread's own.
    if (name === 'tensorflow') prepareTensorflowEnvironment();
    if (name.startsWith('onnx')) forbidTelemetry();
  } catch (error) {
    throw failed(messageOf(error));
  }
  const { device, lanes, takesClimbs } = (await start().ask('describe')) as ReadyEngine;
  isOpen = true;
  return {
    name,
    device,
    threads,
    lanes: threads * lanes,
    // Each kind of tile has its own kind of answer, see engine-worker.ts.
    evaluate: (tile) => run(tile, [tile.y]) as Promise<Density>,
    ...(takesClimbs && {
      climb: (tile: ClimbPoint) => run(tile, [tile.y, tile.climb.noisy]) as Promise<Climb>,
    }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      const reason = new FlowDenoiseError('CLOSED', 'the engine was closed while it worked');
      await Promise.all(pool.map((thread) => thread.close(reason)));
    },
  };
}
