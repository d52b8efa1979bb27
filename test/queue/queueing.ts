// A folder with pictures and a small prior, and workers on it, in this process or in one of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type JobOutcome,
  type QueueWorker,
  type SubmitOptions,
  type SubmitSummary,
  startWorker,
  submit,
  type WorkerOptions,
} from '#src/queue/index.js';
import { fixtureFolder } from '../core/fixture.js';
import { noisyPicture } from '../plugin/pictures.js';

export interface Place {
  readonly root: string;
  readonly input: string;
  readonly output: string;
  /** A prior in the folder, small and quick. */
  readonly prior: string;
}

/** Of the prior that a worker has fetched. */
process.env.FLOW_DENOISE_CACHE = await mkdtemp(join(tmpdir(), 'flow-denoise-cache-'));

/** Call it last: the cache of priors goes. */
export function forgetPriors(): Promise<void> {
  return rm(process.env.FLOW_DENOISE_CACHE ?? '', { recursive: true, force: true });
}

/** @param pictures  how many small ones `in` has */
export async function withPlace(pictures: number, use: (place: Place) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'flow-denoise-queue-'));
  const place = { root, input: join(root, 'in'), output: join(root, 'out'), prior: join(root, 'prior') };
  try {
    await mkdir(place.input);
    await cp(fixtureFolder('conditioned'), place.prior, { recursive: true });
    for (let seed = 0; seed < pictures; seed++) await put(place, nameOf(seed), seed);
    await use(place);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Of the pictures that `in` has: some are in a folder of their own. */
export const nameOf = (number: number) => `${number % 3 === 0 ? 'sub/' : ''}${number}.png`;

/** A small picture, another for each seed; or what is given. */
export async function put({ input }: Place, name: string, seed: number | Buffer | string): Promise<void> {
  const path = join(input, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof seed === 'number' ? await smallPicture(seed) : seed);
}

export function smallPicture(seed: number): Promise<Buffer> {
  return noisyPicture('png', { width: 32, height: 32, seed });
}

export const QUICK = { sigma: 25, method: 'posterior-mean', ensemble: 1, scales: 1 } as const;
export const WORKER = { engine: 'onnx', threads: 1 } as const;

export interface Events {
  readonly done: string[];
  readonly failed: {
    readonly id: string;
    readonly code: string;
    readonly message: string;
    readonly isFinal: boolean;
  }[];
  readonly left: string[];
  readonly problems: string[];
  backs: number;
}

/** A worker in this process, closed after `use`. */
export async function withWorker<Result>(
  options: WorkerOptions,
  use: (events: Events, worker: QueueWorker) => Promise<Result>,
): Promise<Result> {
  const worker = startWorker({ ...WORKER, ...options });
  const events: Events = { done: [], failed: [], left: [], problems: [], backs: 0 };
  worker
    .on('done', ({ output }) => events.done.push(output))
    .on('failed', ({ id, error, isFinal }) => events.failed.push({ id, ...error, isFinal }))
    .on('left', ({ why }) => events.left.push(why))
    .on('problem', ({ error }) => events.problems.push(error.message))
    .on('back', () => events.backs++);
  try {
    return await use(events, worker);
  } finally {
    await worker.close();
  }
}

export interface Submitted {
  readonly summary: SubmitSummary;
  readonly outcomes: readonly JobOutcome[];
}

/** Submits what is in `in` and waits for it. */
export async function submitAll(
  queue: string,
  { root, input, output, prior }: Place,
  options: Partial<SubmitOptions> = {},
): Promise<Submitted> {
  const outcomes: JobOutcome[] = [];
  const summary = await submit({
    ...QUICK,
    queue,
    jobsDir: root,
    inputs: input,
    output,
    prior,
    wait: true,
    onSettled: (outcome) => outcomes.push(outcome),
    ...options,
  });
  return { summary, outcomes };
}

export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  seconds = 60,
): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`${what}: did not come about in ${seconds} s`);
    await delay(20);
  }
}

const child = fileURLToPath(new URL('./child.ts', import.meta.url));

export interface WorkerProcess {
  readonly process: ChildProcess;
  readonly events: Record<string, unknown>[];
  readonly ended: Promise<number | null>;
}

/** @param load  for so many milliseconds at a time its event loop does nothing else; 0 for none */
export function startWorkerProcess(options: WorkerOptions, load = 0): WorkerProcess {
  const settings = JSON.stringify({ load, ...WORKER, ...options });
  const started = spawn(process.execPath, ['--import', 'tsx', child, settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: Record<string, unknown>[] = [];
  createInterface({ input: started.stdout }).on('line', (line) => events.push(JSON.parse(line)));
  return { process: started, events, ended: once(started, 'exit').then(([code]) => code as number | null) };
}
