// The options of a worker, their check, and what it tells.
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
  /** Of the queue. Default 'pictures'. */
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
  /** The server of the bucket, where it is not AWS. */
  endpoint: z.string().min(1).optional().describe('a URL'),
};

/** A storage that a user names: at most one of the two. */
export type StorageOptions = z.input<z.ZodObject<typeof storageShape>>;

const { maxPixels, maxBytes, signal } = pictureShape;

const workerSchema = z.strictObject({
  ...queueShape,
  ...storageShape,
  /** Pictures in hand at a time. Default 2. */
  concurrency: concurrencyOption,
  engine: openingShape.engine,
  threads: openingShape.threads,
  /** Larger pictures fail before they are decoded. Default 200 million pixels. */
  maxPixels,
  /** Larger files fail before they are read. Default 2 GiB. */
  maxBytes,
  /** Ends the worker after the pictures in hand. */
  signal,
  /** What the worker is called where its jobs are told. Default: the host's name and the process's number. */
  workerName: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .default(() => `${hostname()}:${process.pid}`)
    .describe('a name of letters, digits, ".", ":", "_" and "-"'),
  /** After so many milliseconds without a word of its worker, a job is taken by another. Default 30000. */
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
  back: [];
}

export interface WorkerSummary {
  readonly done: number;
  readonly failed: number;
}
