// What the queue costs: its own time and Redis's memory for each picture, and how much faster two workers are than one. Beside
// it, how much faster two commands of one thread are than one, without a queue: what the machine gives.
// Redis is started on a free port, with appendonly and appendfsync always. Keep the machine idle.
// Usage: npm run bench -- queue [small pictures] [pictures of 256 x 256]
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { denoiseBytes, openDenoiser } from '#src/index.js';
import { noisyPicture } from '../../test/plugin/pictures.js';
import {
  forgetPriors,
  nameOf,
  type Place,
  put,
  QUICK,
  startWorkerProcess,
  submitAll,
  until,
  WORKER,
  withPlace,
} from '../../test/queue/queueing.js';
import { type RedisServer, startRedis } from '../../test/queue/servers.js';
import { secondsOf } from '../results.js';

const { sigma, ...opening } = QUICK;
const [small = 300, large = 16] = process.argv.slice(2).map(Number);

/** Starts workers, waits until they are ready, and ends them after `use`. */
async function withWorkers<Result>(
  count: number,
  redis: RedisServer,
  place: Place,
  use: () => Promise<Result>,
): Promise<Result> {
  const workers = Array.from({ length: count }, () =>
    startWorkerProcess({ queue: redis.url, jobsDir: place.root }),
  );
  try {
    await until(
      () => workers.every(({ events }) => events.some(({ event }) => event === 'ready')),
      'workers are ready',
    );
    return await use();
  } finally {
    for (const { process } of workers) process.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
  }
}

const memoryOf = async ({ client }: RedisServer) =>
  Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);

async function ownCost(redis: RedisServer): Promise<void> {
  await withPlace(small, async (place) => {
    const denoiser = await openDenoiser({ ...WORKER, ...opening, prior: place.prior });
    const denoiseFile = (name: string) =>
      pipeline(
        createReadStream(join(place.input, name)),
        denoiseBytes({ denoiser, sigma }),
        createWriteStream(join(place.root, 'alone.png')),
      );
    await denoiseFile('1.png');
    const alone = await secondsOf(async () => {
      for (let i = 0; i < small; i++) await denoiseFile(nameOf(i));
    });
    await denoiser.close();
    const options = { maxWaiting: 1e6 } as const;
    const empty = await memoryOf(redis);
    const submitting = await secondsOf(() => submitAll(redis.url, place, { ...options, wait: false }));
    const waiting = await memoryOf(redis);
    const working = await withWorkers(1, redis, place, () =>
      secondsOf(() => submitAll(redis.url, place, options)),
    );
    const done = await memoryOf(redis);
    const each = (seconds: number) => `${((1000 * seconds) / small).toFixed(1)} ms`;
    const kilobytes = (bytes: number) => `${((bytes - empty) / small / 1000).toFixed(1)} kB`;
    console.log(
      `${small} pictures of 32 x 32, for each: alone ${each(alone)}; submitted in ${each(submitting)}; ` +
        `by one worker ${each(working)}, its queue ${each(working - alone)}; ` +
        `Redis has ${kilobytes(waiting)} while it waits, ${kilobytes(done)} when it is done`,
    );
  });
}

const run = promisify(execFile);
const COMMAND = fileURLToPath(import.meta.resolve('#src/cli/main.js'));

/** Denoises the pictures by commands of one thread that share them. */
async function withCommands(count: number, { input, root }: Place): Promise<void> {
  const commands = Array.from({ length: count }, (_, k) => {
    const own = Array.from({ length: large }, (_, i) => join(input, `${i}.png`)).filter(
      (_, i) => i % count === k,
    );
    return run(process.execPath, [COMMAND, ...own, '-o', join(root, `by-${k}`), '--threads', '1']);
  });
  await Promise.all(commands);
}

async function speedUp(redis: RedisServer): Promise<void> {
  const seconds: number[] = [];
  const plain: number[] = [];
  for (const [round, count] of [1, 2, 1, 2].entries())
    await withPlace(0, async (place) => {
      // Other pictures in each round: a job that is done is not done again.
      for (let i = 0; i < large; i++) {
        const size = { width: 256, height: 256, seed: round * large + i };
        await put(place, `${i}.png`, await noisyPicture('png', size));
      }
      plain.push(await secondsOf(() => withCommands(count, place)));
      await withWorkers(count, redis, place, async () => {
        // Opens the prior in each worker.
        seconds.push(await secondsOf(() => submitAll(redis.url, place, { prior: 'natural' })));
      });
    });
  const told = (times: readonly number[]) => {
    const [one = 0, two = 0] = [0, 1].map((i) => Math.min(times[i] as number, times[i + 2] as number));
    return `one ${one.toFixed(1)} s, two ${two.toFixed(1)} s: ${(one / two).toFixed(2)} times as fast`;
  };
  console.log(`${large} pictures of 256 x 256: workers of one thread: ${told(seconds)}`);
  console.log(`The same by commands without a queue: ${told(plain)}`);
}

const redis = await startRedis();
try {
  // Scripts and the queue's own keys are in Redis before a picture is counted.
  await withPlace(1, async (place) => {
    await withWorkers(1, redis, place, () => submitAll(redis.url, place));
  });
  await ownCost(redis);
  await speedUp(redis);
} finally {
  await redis.stop();
  await forgetPriors();
}
