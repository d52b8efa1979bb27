// The options and events of a worker.
import { hostname } from 'node:os';
import { z } from 'zod';
import { parseOptions } from '../denoiser/option-schema.js';
import { openingShape } from '../denoiser/options.js';
import { concurrencyOption, pictureShape } from '../plugin/stream-options.js';
import { DEFAULT_QUEUE_NAME, QUEUE_NAME } from './connection.js';
import type { FailureReason } from './job.js';
import type { JobResult } from './picture-work.js';

export const queueShape = {
  /** redis://host:6379/0, or rediss:// for TLS. Default: the environment's FLOW_DENOISE_QUEUE. */
  queue: z.string().optional().describe('a URL such as redis://host:6379'),
  /** The queue's name. Default 'pictures'. */
  name: z
    .string()
    .regex(QUEUE_NAME)
    .default(DEFAULT_QUEUE_NAME)
    .describe('a name of letters, digits, ".", "_" and "-"'),
};

export type QueueOptions = z.input<z.ZodObject<typeof queueShape>>;

export const storageShape = {
  /** A folder that all workers see. Default: the working folder. */
  jobsDir: z.string().min(1).optional().describe('a folder'),
  /** A bucket and a prefix in it, s3://bucket/prefix. */
  storage: z.string().startsWith('s3://').optional().describe('s3://bucket/prefix'),
  /** The bucket's server, unless it is AWS. */
  endpoint: z.string().min(1).optional().describe('a URL'),
};

/** The storage: one of the two at most. */
export type StorageOptions = z.input<z.ZodObject<typeof storageShape>>;

const { maxPixels, maxBytes, signal } = pictureShape;

const workerSchema = z.strictObject({
  ...queueShape,
  ...storageShape,
  /** The most pictures in hand. Default 2. */
  concurrency: concurrencyOption,
  engine: openingShape.engine,
  threads: openingShape.threads,
  /** Larger pictures fail before they are decoded. Default 200 million pixels. */
  maxPixels,
  /** Larger files fail before they are read. Default 2 GiB. */
  maxBytes,
  /** Ends the worker after the pictures in hand. */
  signal,
  /** The worker's name in reports about its jobs. Default: host name and process id. */
  workerName: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .default(() => `${hostname()}:${process.pid}`)
    .describe('a name of letters, digits, ".", ":", "_" and "-"'),
  /** A job goes to another worker if its own has not renewed the lock for this many milliseconds. Default 30000. */
  lockMs: z
    .int()
    .min(200)
    .max(3600_000)
    .default(30_000)
    .describe('a whole number of milliseconds from 200 to 3600000'),
});

export type WorkerOptions = z.input<typeof workerSchema>;
export type CheckedWorkerOptions = z.output<typeof workerSchema>;

/** @throws FlowDenoiseError BAD_OPTION */
export function parseWorkerOptions(options: WorkerOptions): CheckedWorkerOptions {
  return parseOptions(workerSchema, options, 'startWorker');
}

/** A job's paths, as users write them. */
export interface JobNames {
  readonly id: string;
  readonly input: string;
  readonly output: string;
}

export interface WorkerEvents {
  ready: [{ readonly queue: string; readonly name: string; readonly storage: string }];
  done: [JobNames & JobResult];
  /** `isFinal`: it will not be tried again. */
  failed: [
    { readonly id: string; readonly input: string; readonly error: FailureReason; readonly isFinal: boolean },
  ];
  /** This worker cannot do it; another may. */
  left: [{ readonly id: string; readonly input: string; readonly why: string }];
  /** The queue went away, or another fault that passes. The worker goes on. */
  problem: [{ readonly error: Error }];
  back: [];
}

export interface WorkerSummary {
  readonly done: number;
  readonly failed: number;
}
