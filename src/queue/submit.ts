// Submits a job for each picture. A job's id depends on everything that its result depends on, so the same picture with the
// same options is one job.
import { basename, extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { badOption, type FlowDenoiseError } from '../core/errors.js';
import { fingerprintOf } from '../denoiser/fingerprint.js';
import { parseOptions } from '../denoiser/option-schema.js';
import { openingShape } from '../denoiser/options.js';
import { isSupportedExtension, withFormatExtension } from '../image/index.js';
import { packageVersion } from '../plugin/package-version.js';
import { openQueueClient, type QueueClient } from './client.js';
import { type JobData, type JobOptions, jobId, newJob, parseJobOptions, settingsOf } from './job.js';
import { priorForJobs } from './priors.js';
import { isBucketAddress } from './storage/bucket.js';
import { openStorage } from './storage/open-storage.js';
import { checkPath, type Storage, type StoredPicture } from './storage/storage.js';
import { type JobOutcome, type SubmittedJob, trackJobs } from './tracker.js';
import { type QueueOptions, queueShape, type StorageOptions, storageShape } from './worker-options.js';

/** Tries if the engine or the storage fails. A fault of the picture fails at once. */
const ATTEMPTS = 4;
const BACKOFF_MS = 2000;
/** How long the queue remembers a finished job, which is not done again. */
const KEEP_SECONDS = 7 * 24 * 3600;
const AT_ONCE = 50;
const LOOK_EVERY_MS = 500;

export type PictureJobOptions = JobOptions & {
  /** A shipped prior's name, 'auto', or a prior's folder in the storage. Default 'natural'. */
  readonly prior?: string | undefined;
};

export interface SubmitOptions
  extends PictureJobOptions,
    QueueOptions,
    Pick<StorageOptions, 'jobsDir' | 'endpoint'> {
  /** Pictures and folders below `jobsDir`, or s3://bucket/prefix. */
  readonly inputs: readonly string[] | string;
  /** A folder below `jobsDir`, or s3://bucket/prefix. */
  readonly output: string;
  /**
   * The names of results: 'path' (default) keeps the originals' names and tree; 'id' uses the job's id, which identifies the
   * content, so an existing result is never written again.
   */
  readonly names?: 'path' | 'id' | undefined;
  /** If more jobs wait, submitting waits too. Default 1000. */
  readonly maxWaiting?: number | undefined;
  /** Whether to wait until all jobs have ended. Default false. */
  readonly wait?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onSubmitted?: ((job: SubmittedJob) => void) | undefined;
  /** Called with `wait`. */
  readonly onSettled?: ((outcome: JobOutcome) => void) | undefined;
  /** Called with `wait`: why a worker could not do a job. */
  readonly onLeft?: ((why: string) => void) | undefined;
  /** Called each time that the queue goes away; submitting waits for it. */
  readonly onProblem?: ((error: FlowDenoiseError) => void) | undefined;
}

export interface SubmitSummary {
  readonly submitted: number;
  /** Those of them that the queue knew before. */
  readonly known: number;
  /** Counted with `wait`. */
  readonly done: number;
  readonly failed: number;
}

const submitShape = {
  ...queueShape,
  jobsDir: storageShape.jobsDir,
  endpoint: storageShape.endpoint,
  output: z.string().min(1).describe('a folder or s3://bucket/prefix'),
  names: z.enum(['path', 'id']).default('path').describe("'path' or 'id'"),
  maxWaiting: z.int().min(1).max(1e7).default(1000).describe('a whole number from 1 to 10000000'),
  wait: z.boolean().default(false).describe('true or false'),
};
const submitSchema = z.object(submitShape);
const priorSchema = openingShape.prior;

/** A picture and its result's path, as users write them. */
interface PicturePlan {
  readonly input: string;
  readonly output: string;
}

/**
 * Submits a job for each picture. Returns when all are in the queue, or with `wait` when all have ended.
 *
 * @throws  FlowDenoiseError BAD_OPTION before anything is submitted; QUEUE_FAILED, STORAGE_FAILED; the signal's reason
 */
export async function submit({ inputs, ...options }: SubmitOptions): Promise<SubmitSummary> {
  return submitWith(options, async function* (storage) {
    for (const input of [inputs].flat()) {
      const path = await storage.pathOf(input);
      for await (const picture of storage.list(path)) yield { picture, below: path };
    }
  });
}

/** As `submit`, for a given list of pictures. */
export async function submitPlanned(
  plans: readonly PicturePlan[],
  options: Omit<SubmitOptions, 'inputs'>,
): Promise<SubmitSummary> {
  return submitWith(options, async function* (storage) {
    for (const { input, output } of plans)
      yield {
        picture: await storage.find(await storage.pathOf(input)),
        output: await storage.pathOf(output),
      };
  });
}

interface Found {
  readonly picture: StoredPicture;
  /** The result's path; default: follows from where the picture was found. */
  readonly output?: string;
  readonly below?: string;
}

type Finder = (storage: Storage) => AsyncIterable<Found>;

async function submitWith(options: Omit<SubmitOptions, 'inputs'>, find: Finder): Promise<SubmitSummary> {
  const given = Object.entries(options);
  const isShared = (name: string) => name in submitShape;
  const { signal, onSubmitted, onSettled, onLeft, onProblem, prior, ...rest } = options;
  const own = Object.fromEntries(given.filter(([name]) => isShared(name)));
  const ofJob = Object.fromEntries(Object.entries(rest).filter(([name]) => !isShared(name)));
  const checked = parseOptions(submitSchema, own, 'submit');
  const jobOptions = parseJobOptions(ofJob as JobOptions);
  const checkedPrior = parseOptions(z.object({ prior: priorSchema }), { prior }, 'submit').prior;
  signal?.throwIfAborted();

  const storage = await openStorage(
    isBucketAddress(checked.output)
      ? { storage: checked.output.split('/').slice(0, 3).join('/'), endpoint: checked.endpoint }
      : { jobsDir: checked.jobsDir },
  );
  let client: QueueClient | undefined;
  try {
    const maker = await jobMaker(storage, checkedPrior, jobOptions, checked.output, checked.names);
    client = await openQueueClient(checked.queue, checked.name, signal, onProblem);
    const summary = { submitted: 0, known: 0, done: 0, failed: 0 };
    const tracker = checked.wait
      ? await trackJobs(client, {
          onLeft,
          onSettled(outcome) {
            if (outcome.error) summary.failed++;
            else summary.done++;
            onSettled?.(outcome);
          },
        })
      : undefined;
    try {
      const room = roomIn(client, checked.maxWaiting, signal);
      for await (const jobs of inPieces(maker.jobsOf(find(storage)), Math.min(AT_ONCE, checked.maxWaiting))) {
        const submitted = await addJobs(client, jobs, storage, room);
        for (const job of submitted) {
          summary.submitted++;
          if (job.before !== 'new') summary.known++;
          onSubmitted?.(job);
        }
        tracker?.add(submitted);
        signal?.throwIfAborted();
      }
      if (tracker) await untilAborted(tracker.settled(), signal);
    } finally {
      await tracker?.close();
    }
    return summary;
  } finally {
    await client?.close();
    storage.close();
  }
}

interface MadeJob {
  readonly id: string;
  readonly data: JobData;
}

interface JobMaker {
  jobsOf(found: AsyncIterable<Found>): AsyncGenerator<MadeJob>;
}

/** Returns a function that makes jobs from pictures, all with these options and this output. */
export async function jobMaker(
  storage: Storage,
  prior: string | undefined,
  options: JobData['options'],
  output: string,
  names: 'path' | 'id',
): Promise<JobMaker> {
  const folder = await storage.pathOf(output);
  const named = await priorForJobs(prior, storage);
  const fingerprint = await fingerprintOf({ ...settingsOf(options).opening, prior: named.prior });
  const version = packageVersion();
  const { format } = options;

  function make({ picture, output: planned, below = '' }: Found): MadeJob {
    const { path, content, bytes } = picture;
    const inside = path === below ? basename(path) : path.slice(below === '' ? 0 : below.length + 1);
    const renamed = format === undefined ? inside : withFormatExtension(inside, format);
    const base = { content, options, storage: storage.id };
    const place = names === 'id' ? folder : (planned ?? joined(folder, renamed));
    const id = jobId(base, fingerprint, place);
    const result = names === 'id' ? joined(folder, `${id}${extname(renamed).toLowerCase()}`) : place;
    checkPath(result);
    if (result === path)
      throw badOption(`Writing ${storage.locationOf(result)} would replace the input; choose another output`);
    const rest = {
      version,
      input: path,
      output: result,
      bytes,
      keepsExisting: names === 'id',
      prior: named.named,
    };
    return { id, data: newJob({ ...base, ...rest }) };
  }

  return {
    async *jobsOf(found) {
      for await (const each of found) {
        const { path } = each.picture;
        const isResult = folder !== '' && folder !== each.below && path.startsWith(`${folder}/`);
        if (!isResult && isSupportedExtension(path)) yield make(each);
      }
    },
  };
}

function joined(folder: string, below: string): string {
  return folder === '' ? below : `${folder}/${below}`;
}

/** Resolves when this many more jobs may wait, but never more than the limit. */
type Room = (jobs: number) => Promise<void>;

function roomIn(client: QueueClient, maxWaiting: number, signal: AbortSignal | undefined): Room {
  let free = 0;
  return async (jobs) => {
    while (free < jobs) {
      signal?.throwIfAborted();
      const { wait = 0, prioritized = 0 } = await untilAborted(
        client.bull.getJobCounts('wait', 'prioritized'),
        signal,
      );
      free = maxWaiting - wait - prioritized;
      if (free < jobs) await delay(LOOK_EVERY_MS, undefined, { signal });
    }
    free -= jobs;
  };
}

export async function addJobs(
  client: QueueClient,
  jobs: readonly MadeJob[],
  storage: Storage,
  room: Room,
): Promise<readonly SubmittedJob[]> {
  const states = await Promise.all(jobs.map(({ id }) => client.bull.getJobState(id)));
  const news = jobs.filter((_, index) => states[index] === 'unknown');
  if (news.length > 0) {
    await room(news.length);
    await client.bull.addBulk(
      news.map(({ id, data }) => ({
        name: 'picture',
        data,
        opts: {
          jobId: id,
          attempts: ATTEMPTS,
          backoff: { type: 'exponential', delay: BACKOFF_MS, jitter: 0.5 },
          removeOnComplete: { age: KEEP_SECONDS },
          stackTraceLimit: 0,
        },
      })),
    );
  }
  return jobs.map(({ id, data: { input, output, bytes } }, index) => ({
    id,
    input: storage.locationOf(input),
    output: storage.locationOf(output),
    bytes,
    before: BEFORE[states[index] ?? ''] ?? 'waiting',
  }));
}

const BEFORE: Readonly<Record<string, SubmittedJob['before']>> = {
  unknown: 'new',
  completed: 'done',
  failed: 'failed',
};

async function* inPieces<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let piece: T[] = [];
  for await (const item of items) {
    piece.push(item);
    if (piece.length < size) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

/** Rejects with the signal's reason if that comes first. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
