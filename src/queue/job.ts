// A job is data and options, without code or pixels. Both the submitter and the worker check it.
import { hash } from 'node:crypto';
import { z } from 'zod';
import { badOption, FlowDenoiseError, type FlowDenoiseErrorCode, messageOf } from '../core/errors.js';
import { isNoiseModel } from '../denoiser/noise/noise-options.js';
import { among } from '../denoiser/option-schema.js';
import { resultKey } from '../plugin/result-cache.js';
import { byLifetime, type PictureSettings, pictureShape } from '../plugin/stream-options.js';

/** Increase it when older workers could misunderstand new jobs. */
export const JOB_FORMAT = 1;

/** Options that a worker sets for its own machine, or that cannot be sent to another. */
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

/** A job's id and its paths, as users write them. */
export interface JobNames {
  readonly id: string;
  readonly input: string;
  readonly output: string;
}

/** How a job's picture is denoised: the stream's options without those of a worker. */
export type JobOptions = z.input<typeof jobOptionsSchema>;

const pictureSchema = z.strictObject(pictureShape);
export const jobOptionsSchema = pictureSchema.omit(WORKERS_OWN);

const pathSchema = z.string().min(1).max(1024);

const jobSchema = z.strictObject({
  format: z.literal(JOB_FORMAT),
  version: z.string(),
  /** The pictures' storage: 'folder', or s3://bucket. */
  storage: z.string(),
  input: pathSchema,
  output: pathSchema,
  /** Whether the result's name identifies its content, so that an existing one is kept. */
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

/** Part of every job, whatever its format. */
const envelopeSchema = z.looseObject({ format: z.number(), version: z.string(), storage: z.string() });

/** A job's own among checked options. @throws FlowDenoiseError BAD_OPTION if they exclude each other or cannot be sent */
export function jobOptionsOf(checked: JobData['options']): JobData['options'] {
  const options = among(jobOptionsSchema.shape, checked);
  settingsOf(options);
  if (isNoiseModel(options.noise))
    throw badOption(
      'Expected a word, numbers or a noise profile for noise: a NoiseModel has functions, and jobs carry none',
    );
  return options;
}

/** Thrown for a job that this worker cannot do but another may. */
export class LeftToOthers extends Error {
  override readonly name = 'LeftToOthers';
}

/** @throws LeftToOthers for a job of another version or storage; FlowDenoiseError BAD_OPTION for anything but a job */
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

/** A job's options by lifetime, with defaults for the worker's own. */
export function settingsOf(options: JobData['options']): PictureSettings {
  return byLifetime(pictureSchema.parse(options), {});
}

/** Jobs with the same id have the same result in the same place. @param fingerprint  the denoiser's */
export function jobId(
  { content, options, storage }: Pick<JobData, 'content' | 'options' | 'storage'>,
  fingerprint: string,
  place: string,
): string {
  const { noise, file } = settingsOf(options);
  const key = resultKey(Buffer.from(content), fingerprint, noise, file);
  return hash('sha256', JSON.stringify([key, storage, place])).slice(0, 32);
}

export interface FailureReason {
  readonly code: FlowDenoiseErrorCode | 'WORKER_LOST' | 'UNKNOWN';
  readonly message: string;
}

/** How often a job may lose its worker; after that it fails. */
export const MOST_LOST_WORKERS = 2;

/** An error as text, the only thing that a failed job keeps. */
export function reasonText(error: unknown): string {
  const code = error instanceof FlowDenoiseError ? error.code : 'UNKNOWN';
  return `${code}: ${messageOf(error).replaceAll(/\s*\n\s*/g, '; ')}`;
}

/** @param text  a failed job's */
export function reasonOf(text: string | undefined): FailureReason {
  if (text?.startsWith('job stalled')) {
    const message = `its worker ended ${MOST_LOST_WORKERS + 1} times while it worked on this job. Such a picture may need more memory than a worker has; if you add memory, queue retry tries it again.`;
    return { code: 'WORKER_LOST', message };
  }
  const [, code, message] = /^([A-Z_]+): (.*)$/s.exec(text ?? '') ?? [];
  if (code === undefined || message === undefined)
    return { code: 'UNKNOWN', message: text ?? 'no reason is known' };
  return { code: code as FailureReason['code'], message };
}
