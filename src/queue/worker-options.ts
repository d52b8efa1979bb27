// The options of a worker, their check, and what it tells.
import { hostname } from 'node:os';
import { z } from 'zod';
import { parseOptions } from '../denoiser/option-schema.js';
import { type DenoiserOptions, openingShape } from '../denoiser/options.js';
import { concurrencyOption, pictureShape } from '../plugin/stream-options.js';
import { DEFAULT_QUEUE_NAME, QUEUE_NAME } from './connection.js';
import type { FailureReason } from './job.js';
import type { JobResult } from './picture-work.js';
import type { StorageOptions } from './storage/storage.js';

export interface QueueOptions {
  /** redis://host:6379/0, or rediss:// for TLS. Default: the environment's FLOW_DENOISE_QUEUE. */
  readonly queue?: string | undefined;
  /** Of the queue. Default 'pictures'. */
  readonly name?: string | undefined;
}

export interface WorkerOptions extends QueueOptions, StorageOptions {
  /** Pictures in hand at a time. Default 2. */
  readonly concurrency?: number | undefined;
  readonly engine?: DenoiserOptions['engine'];
  /** Default: as many as there are cores. */
  readonly threads?: number | undefined;
  /** Larger pictures fail before they are decoded. Default 200 million pixels. */
  readonly maxPixels?: number | undefined;
  /** Larger files fail before they are read. Default 2 GiB. */
  readonly maxBytes?: number | undefined;
  /** What the worker is called where its jobs are told. Default: the host's name and the process's number. */
  readonly workerName?: string | undefined;
  /** After so many milliseconds without a word of its worker, a job is taken by another. Default 30000. */
  readonly lockMs?: number | undefined;
  /** Ends the worker after the pictures in hand. */
  readonly signal?: AbortSignal | undefined;
}

export const queueShape = {
  queue: z.string().optional().describe('a URL such as redis://host:6379'),
  name: z
    .string()
    .regex(QUEUE_NAME)
    .default(DEFAULT_QUEUE_NAME)
    .describe('a name of letters, digits, ".", "_" and "-"'),
};

export const storageShape = {
  jobsDir: z.string().min(1).optional().describe('a folder'),
  storage: z.string().startsWith('s3://').optional().describe('s3://bucket/prefix'),
  endpoint: z.string().min(1).optional().describe('a URL'),
};

const { maxPixels, maxBytes, signal } = pictureShape;

const workerSchema = z.strictObject({
  ...queueShape,
  ...storageShape,
  concurrency: concurrencyOption,
  engine: openingShape.engine,
  threads: openingShape.threads,
  maxPixels,
  maxBytes,
  signal,
  workerName: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .default(() => `${hostname()}:${process.pid}`)
    .describe('a name of letters, digits, ".", ":", "_" and "-"'),
  lockMs: z
    .int()
    .min(200)
    .max(3600_000)
    .default(30_000)
    .describe('a whole number of milliseconds from 200 to 3600000'),
});

export type CheckedWorkerOptions = z.output<typeof workerSchema>;

/** @throws FlowDenoiseError BAD_OPTION */
export function parseWorkerOptions(options: WorkerOptions): CheckedWorkerOptions {
  return parseOptions(workerSchema, options, 'startWorker');
}

/** A picture of a job, as a person would name it. */
export interface JobNames {
  readonly id: string;
  readonly input: string;
  readonly output: string;
}

export interface WorkerEvents {
  ready: [{ readonly queue: string; readonly name: string; readonly storage: string }];
  done: [JobNames & JobResult];
  /** `isFinal`: it is not tried again. */
  failed: [
    { readonly id: string; readonly input: string; readonly error: FailureReason; readonly isFinal: boolean },
  ];
  /** This worker cannot do it; another may. */
  left: [{ readonly id: string; readonly input: string; readonly why: string }];
  /** The queue went away, or something else that passes. The worker lives on. */
  problem: [{ readonly error: Error }];
  /** The queue is back. */
  back: [];
}

export interface WorkerSummary {
  readonly done: number;
  readonly failed: number;
}
