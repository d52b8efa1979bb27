// What a job is: data and options, no code and no pixels. Both sides check it, the one who submits and the worker.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { badOption, FlowDenoiseError, type FlowDenoiseErrorCode, messageOf } from '../core/errors.js';
import { isNoiseModel } from '../denoiser/noise/noise-options.js';
import { parseOptions } from '../denoiser/option-schema.js';
import { resultKey } from '../plugin/result-cache.js';
import { byLifetime, checkTogether, type PictureSettings, pictureShape } from '../plugin/stream-options.js';

/** Counted up when a worker could misunderstand a newer job. */
const JOB_FORMAT = 1;

/** What a worker decides for its own machine, and what cannot be sent to another. */
const WORKERS_OWN = {
  prior: true,
  engine: true,
  threads: true,
  maxPixels: true,
  maxBytes: true,
  cache: true,
  denoiser: true,
  signal: true,
} as const;

/** How a picture of a job is denoised: the stream's options, without what is a worker's own. */
export type JobOptions = z.input<typeof jobOptionsSchema>;

const pictureSchema = z.strictObject(pictureShape);
export const jobOptionsSchema = pictureSchema.omit(WORKERS_OWN);

const pathSchema = z.string().min(1).max(1024);

const jobSchema = z.strictObject({
  format: z.literal(JOB_FORMAT),
  version: z.string(),
  /** Of the pictures: 'folder', or s3://bucket. */
  storage: z.string(),
  input: pathSchema,
  output: pathSchema,
  /** Whether the result's name says what is in it, so that one that is there is left. */
  keepsExisting: z.boolean(),
  content: z.string(),
  bytes: z.number(),
  /** A shipped prior's name, or its folder in the storage. */
  prior: z.strictObject({
    name: z.string().optional(),
    path: pathSchema.optional(),
    checksum: z.string(),
  }),
  options: jobOptionsSchema,
});

export type JobData = z.output<typeof jobSchema>;
export type JobPrior = JobData['prior'];

/** Of any job, whatever else is in it. */
const envelopeSchema = z.looseObject({ format: z.number(), version: z.string(), storage: z.string() });

/**
 * The options of a job, checked.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function parseJobOptions(options: JobOptions): JobData['options'] {
  const parsed = parseOptions(jobOptionsSchema, options, 'submit');
  checkTogether(pictureSchema.parse(parsed), options);
  if (isNoiseModel(parsed.noise))
    throw badOption(
      'Expected a word, numbers or a noise profile for noise: a NoiseModel has functions, and jobs carry none',
    );
  return parsed;
}

/** What a worker cannot do and another perhaps can. */
export class LeftToOthers extends Error {
  override readonly name = 'LeftToOthers';
}

/**
 * What a worker has been given.
 *
 * @throws  LeftToOthers for a job of another version or storage; FlowDenoiseError BAD_OPTION for what is no job
 */
export function parseJob(data: unknown, version: string, storage: string): JobData {
  const envelope = envelopeSchema.safeParse(data);
  if (!envelope.success) throw badOption('This is no job of flow-denoise. Remove it.');
  const { format, version: theirs, storage: place } = envelope.data;
  if (theirs !== version || format !== JOB_FORMAT)
    throw new LeftToOthers(`it is for flow-denoise ${theirs}, and this worker has ${version}`);
  if (place !== storage)
    throw new LeftToOthers(`its pictures are in ${place}, and this worker has ${storage}`);
  const job = jobSchema.safeParse(data);
  if (job.success) return job.data;
  const [issue] = job.error.issues;
  throw badOption(
    `The job has a wrong ${issue?.path.join('.') || 'field'} (${issue?.message}). Submit it again.`,
  );
}

/** A job's options by what they are for, with defaults in place of what is a worker's own. */
export function settingsOf(options: JobData['options']): PictureSettings {
  return byLifetime(pictureSchema.parse(options), {});
}

/**
 * The name of a job: two that share it have the same result at the same place.
 *
 * @param fingerprint  the denoiser's
 * @param place        where the result goes
 */
export function jobId(
  { content, options, storage }: Pick<JobData, 'content' | 'options' | 'storage'>,
  fingerprint: string,
  place: string,
): string {
  const { noise, file } = settingsOf(options);
  const key = resultKey(Buffer.from(content), fingerprint, noise, file);
  return createHash('sha256')
    .update(JSON.stringify([key, storage, place]))
    .digest('hex')
    .slice(0, 32);
}

export function newJob(job: Omit<JobData, 'format'>): JobData {
  return { format: JOB_FORMAT, ...job };
}

export interface FailureReason {
  readonly code: FlowDenoiseErrorCode | 'WORKER_LOST' | 'UNKNOWN';
  readonly message: string;
}

/** How often a job may lose its worker. The third time it fails. */
export const MOST_LOST_WORKERS = 2;

/** As text, which is all that a failed job keeps. */
export function reasonText(error: unknown): string {
  const code = error instanceof FlowDenoiseError ? error.code : 'UNKNOWN';
  return `${code}: ${messageOf(error).replaceAll(/\s*\n\s*/g, '; ')}`;
}

/** @param text  of a failed job */
export function reasonOf(text: string | undefined): FailureReason {
  if (text?.startsWith('job stalled')) {
    const message = `its worker ended ${MOST_LOST_WORKERS + 1} times while at it. Such a picture may need more memory than a worker has; with more, queue retry tries it again.`;
    return { code: 'WORKER_LOST', message };
  }
  const [, code, message] = /^([A-Z_]+): (.*)$/s.exec(text ?? '') ?? [];
  if (code === undefined || message === undefined)
    return { code: 'UNKNOWN', message: text ?? 'no reason is known' };
  return { code: code as FailureReason['code'], message };
}
