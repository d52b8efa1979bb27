// Submits a job for each picture: many with `submit`, one at a time with `openQueue`. A job's id depends on everything that
// its result depends on, so the same picture with the same options is one job.
import { basename, extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { badOption, FlowDenoiseError } from '../core/errors.js';
import { fingerprintOf } from '../denoiser/fingerprint.js';
import { callback, parseOptions } from '../denoiser/option-schema.js';
import { openingShape, signalOption } from '../denoiser/options.js';
import { isSupportedExtension, withFormatExtension } from '../image/index.js';
import { packageVersion } from '../plugin/package-version.js';
import { type JobOutcome, openQueueClient, type QueueClient, type SubmittedJob } from './client.js';
import { queueShape } from './connection.js';
import { JOB_FORMAT, type JobData, jobId, jobOptionsOf, jobOptionsSchema, settingsOf } from './job.js';
import { priorForJobs } from './priors.js';
import { isBucketAddress } from './storage/bucket.js';
import { openStorage, storageShape } from './storage/open-storage.js';
import { checkPath, type Storage, type StoredPicture } from './storage/storage.js';

/** Tries if the engine or the storage fails. A fault of the picture fails at once. */
const ATTEMPTS = 4;
const BACKOFF_MS = 2000;
/** How long the queue remembers a finished job, which is not done again. */
const KEEP_SECONDS = 7 * 24 * 3600;
const AT_ONCE = 50;
const LOOK_EVERY_MS = 500;

const pictureJobShape = {
  ...jobOptionsSchema.shape,
  /** A shipped prior's name, 'auto', or a prior's folder in the storage. Default 'natural'. */
  prior: openingShape.prior,
};
export type PictureJobOptions = z.input<z.ZodObject<typeof pictureJobShape>>;

const place = z.string().min(1);
const names = z.enum(['path', 'id']);
const maxWaiting = z.int().min(1).max(1e7).default(1000).describe('a whole number from 1 to 10000000');

const submitSchema = z.strictObject({
  ...pictureJobShape,
  ...queueShape,
  /** Pictures and folders below `jobsDir`, or s3://bucket/prefix; also pictures with their results' paths. */
  inputs: z
    .union([place, z.array(z.union([place, z.object({ input: place, output: place })])).readonly()])
    .describe('paths of pictures or folders'),
  jobsDir: storageShape.jobsDir,
  endpoint: storageShape.endpoint,
  /** A folder below `jobsDir`, or s3://bucket/prefix. */
  output: place.describe('a folder or s3://bucket/prefix'),
  /**
   * The names of results: 'path' (default) keeps the originals' names and tree; 'id' uses the job's id, which identifies the
   * content, so an existing result is never written again.
   */
  names: names.default('path').describe("'path' or 'id'"),
  /** If more jobs wait, submitting waits too. Default 1000. */
  maxWaiting,
  /** Whether to wait until all jobs have ended. Default false. */
  wait: z.boolean().default(false).describe('true or false'),
  signal: signalOption,
  onSubmitted: callback<(job: SubmittedJob) => void>(),
  /** Called with `wait`. */
  onSettled: callback<(outcome: JobOutcome) => void>(),
  /** Called with `wait`: why a worker could not do a job. */
  onLeft: callback<(why: string) => void>(),
  /** Called each time that the queue goes away; submitting waits for it. */
  onProblem: callback<(error: FlowDenoiseError) => void>(),
});
export type SubmitOptions = z.input<typeof submitSchema>;

export interface SubmitSummary {
  readonly submitted: number;
  /** Those of them that the queue knew before. */
  readonly known: number;
  /** Counted with `wait`. */
  readonly done: number;
  readonly failed: number;
}

interface Found {
  readonly picture: StoredPicture;
  /** The result's path; default: follows from where the picture was found. */
  readonly output?: string;
  readonly below?: string;
}

async function* find(inputs: z.output<typeof submitSchema>['inputs'], storage: Storage) {
  for (const input of [inputs].flat()) {
    const below = await storage.pathOf(typeof input === 'string' ? input : input.input);
    if (typeof input === 'string') for await (const picture of storage.list(below)) yield { picture, below };
    else yield { picture: await storage.find(below), output: await storage.pathOf(input.output) };
  }
}

/**
 * Submits a job for each picture. Returns when all are in the queue, or with `wait` when all have ended.
 *
 * @throws  FlowDenoiseError BAD_OPTION before anything is submitted; QUEUE_FAILED, STORAGE_FAILED; the signal's reason
 */
export async function submit(given: SubmitOptions): Promise<SubmitSummary> {
  const options = parseOptions(submitSchema, given, 'submit');
  const { jobsDir, endpoint, output, signal, onSubmitted, onSettled } = options;
  const request = { ...options, options: jobOptionsOf(options) };
  signal?.throwIfAborted();
  const storage = await openStorage(
    isBucketAddress(output) ? { storage: output.split('/').slice(0, 3).join('/'), endpoint } : { jobsDir },
  );
  try {
    const jobs = jobsFor(find(options.inputs, storage), request, storage);
    const client = await openQueueClient(options.queue, options.name, signal, options.onProblem);
    try {
      const summary = { submitted: 0, known: 0, done: 0, failed: 0 };
      const tracker = options.wait
        ? await client.track({
            onLeft: options.onLeft,
            onSettled(outcome) {
              summary[outcome.error ? 'failed' : 'done']++;
              onSettled?.(outcome);
            },
          })
        : undefined;
      const waitForRoom = async (count: number) => {
        while ((await client.waiting()) > options.maxWaiting - count)
          await delay(LOOK_EVERY_MS, undefined, { signal });
      };
      const work = async () => {
        for await (const piece of inPieces(jobs, Math.min(AT_ONCE, options.maxWaiting))) {
          const submitted = await addJobs(client, piece, storage, waitForRoom);
          for (const job of submitted) {
            summary.submitted++;
            if (job.before !== 'new') summary.known++;
            onSubmitted?.(job);
          }
          tracker?.add(submitted);
          signal?.throwIfAborted();
        }
        await tracker?.settled();
        return summary;
      };
      return await untilAborted(work(), signal).finally(() => tracker?.close());
    } finally {
      await client.close();
    }
  } finally {
    storage.close();
  }
}

interface MadeJob {
  readonly id: string;
  readonly data: JobData;
}

type JobsRequest = Pick<z.output<typeof submitSchema>, 'prior' | 'output' | 'names'> &
  Pick<JobData, 'options'>;

/** Makes jobs for pictures, without those that are results already. */
async function* jobsFor(
  found: AsyncIterable<Found> | Iterable<Found>,
  { prior: named, options, output, names }: JobsRequest,
  storage: Storage,
): AsyncGenerator<MadeJob> {
  const folder = await storage.pathOf(output);
  const { here, prior } = await priorForJobs(named, storage);
  const fingerprint = await fingerprintOf({ ...settingsOf(options).opening, prior: here });
  const { format } = options;
  for await (const { picture, output: planned, below = '' } of found) {
    const { path, content, bytes } = picture;
    const isResult = folder !== '' && folder !== below && path.startsWith(`${folder}/`);
    if (isResult || !isSupportedExtension(path)) continue;
    const inside = path === below ? basename(path) : path.slice(below === '' ? 0 : below.length + 1);
    const renamed = format === undefined ? inside : withFormatExtension(inside, format);
    const base = { content, options, storage: storage.id };
    const place = names === 'id' ? folder : (planned ?? joined(folder, renamed));
    const id = jobId(base, fingerprint, place);
    const result = names === 'id' ? joined(folder, `${id}${extname(renamed).toLowerCase()}`) : place;
    checkPath(result);
    if (result === path)
      throw badOption(`Writing ${storage.locationOf(result)} would replace the input; choose another output`);
    const data: JobData = {
      ...base,
      format: JOB_FORMAT,
      version: packageVersion(),
      input: path,
      output: result,
      bytes,
      keepsExisting: names === 'id',
      prior,
    };
    yield { id, data };
  }
}

function joined(folder: string, below: string): string {
  return folder === '' ? below : `${folder}/${below}`;
}

/** @param room  waits for room for so many new jobs, or throws */
async function addJobs(
  { bull }: QueueClient,
  jobs: readonly MadeJob[],
  storage: Storage,
  room: (count: number) => Promise<void>,
): Promise<readonly SubmittedJob[]> {
  const states = await Promise.all(jobs.map(({ id }) => bull.getJobState(id)));
  const news = jobs.filter((_, index) => states[index] === 'unknown');
  if (news.length > 0) {
    await room(news.length);
    await bull.addBulk(
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

/** Rejects with the signal's reason if that comes first: requests to a server that is away do not end by themselves. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

const requestSchema = z.strictObject({
  ...pictureJobShape,
  /** The picture in the storage: a path below `jobsDir`, or s3://bucket/key. */
  input: place.describe('a picture'),
  /** The result's folder, likewise. */
  output: submitSchema.shape.output,
  /** As in `submit`. Default 'id'. */
  names: names.default('id').describe("'path' or 'id'"),
});
export type PictureRequest = z.input<typeof requestSchema>;

const openSchema = z.strictObject({
  ...queueShape,
  ...storageShape,
  /** If this many jobs wait, `submit` refuses more. Default 1000. */
  maxWaiting,
});
export type OpenQueueOptions = z.input<typeof openSchema>;

export interface PictureQueue extends Pick<QueueClient, 'job' | 'status' | 'failed' | 'retry' | 'close'> {
  /** @throws FlowDenoiseError BAD_OPTION, BAD_IMAGE if it does not exist; QUEUE_FAILED if too many jobs wait */
  submit(request: PictureRequest): Promise<SubmittedJob>;
}

/**
 * Opens a queue for a program with one picture at a time, such as a server: open it once, submit and ask as often as you like.
 *
 * @throws FlowDenoiseError BAD_OPTION; QUEUE_FAILED if the server cannot be reached
 */
export async function openQueue(options: OpenQueueOptions = {}): Promise<PictureQueue> {
  const { queue, name, maxWaiting, ...places } = parseOptions(openSchema, options, 'openQueue');
  const storage = await openStorage(places);
  const client = await openQueueClient(queue, name).catch((error: unknown) => {
    storage.close();
    throw error;
  });

  async function refuseWhenFull(): Promise<void> {
    const waiting = await client.waiting();
    if (waiting < maxWaiting) return;
    const message = `${waiting} jobs wait, expected fewer than ${maxWaiting}. Try again later.`;
    throw new FlowDenoiseError('QUEUE_FAILED', message);
  }

  const { job, status, failed, retry } = client;
  return {
    job,
    status,
    failed,
    retry,
    async submit(given) {
      const request = parseOptions(requestSchema, given, 'submit');
      const path = await storage.pathOf(request.input);
      const found = [{ picture: await storage.find(path), below: path }];
      const jobs = jobsFor(found, { ...request, options: jobOptionsOf(request) }, storage);
      for await (const made of jobs) {
        const [submitted] = await addJobs(client, [made], storage, refuseWhenFull);
        if (submitted) return submitted;
      }
      throw badOption(`${request.input}: expected a picture file outside the output ${request.output}`);
    },
    async close() {
      await client.close();
      storage.close();
    },
  };
}
