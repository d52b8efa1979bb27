// One job from start to end: read, denoise, write. A job may stop being ours while it is in work.
import sharp from 'sharp';
import { FlowDenoiseError } from '../core/errors.js';
import type { DenoiserOptions, Progress } from '../denoiser/options.js';
import { denoiseEncodedPicture, type PictureReport } from '../plugin/encoded-picture.js';
import type { Denoisers } from './denoisers.js';
import { type JobData, LeftToOthers, settingsOf } from './job.js';
import { priorOfJob } from './priors.js';
import type { Storage } from './storage/storage.js';

/** What a worker's jobs share. */
export interface Workplace {
  readonly storage: Storage;
  readonly denoisers: Denoisers;
  /** The worker's own options. */
  readonly opening: Pick<DenoiserOptions, 'engine' | 'threads'>;
  readonly maxPixels: number | undefined;
  readonly maxBytes: number;
}

interface Turn {
  readonly id: string;
  /** Whether the job was in work before. */
  readonly isAgain: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Rejects if the job is no longer ours. */
  readonly checkLock: () => Promise<void>;
}

export interface JobResult {
  readonly megapixels: number;
  readonly bytes: number;
  /** Reading, denoising and writing together. */
  readonly seconds: number;
  /** Undefined if the result existed already. */
  readonly report: StoredReport | undefined;
}

/** A report without its long parts: a noise profile's bins, the figures behind a prior's choice. */
export type StoredReport = Omit<PictureReport, 'error' | 'priorChoice'>;

/**
 * Reads a picture from the storage, denoises it and writes the result.
 *
 * @throws  LeftToOthers; FlowDenoiseError; the signal's reason
 */
export async function workOnJob(
  { input, output, content, keepsExisting, prior: named, options }: JobData,
  { id, isAgain, signal, onProgress, checkLock }: Turn,
  { storage, denoisers, opening: own, maxPixels, maxBytes }: Workplace,
): Promise<JobResult> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  if (keepsExisting && (await storage.exists(output)))
    return { megapixels: 0, bytes: 0, seconds: seconds(), report: undefined };
  const prior = await priorOfJob(named, storage, signal);
  const bytes = await storage.read(input, { most: maxBytes, content, signal });
  const { opening, noise, file } = settingsOf(options);
  const { bytes: denoised, report } = await denoisers.use(
    { ...opening, ...own, prior },
    (open) =>
      denoiseEncodedPicture(
        bytes,
        storage.locationOf(input),
        open,
        { ...noise, signal, onProgress },
        { ...file, maxPixels },
      ),
    isEngineFault,
  );
  await checkLock();
  const result = denoised ?? bytes;
  await storage.write(output, result, { id, keepsExisting, isAgain, signal });
  return {
    megapixels: await megapixelsOf(bytes),
    bytes: result.length,
    seconds: seconds(),
    report: stored(report),
  };
}

/** Faults of the job itself: it fails on every worker. */
const FINAL_CODES: readonly string[] = [
  'BAD_OPTION',
  'NEEDS_CONDITIONING',
  'BAD_IMAGE',
  'UNSUPPORTED_IMAGE',
  'SIGMA_OUT_OF_RANGE',
  'BAD_PRIOR',
];

/** Whether another try would fail too. A fault of an engine or a storage may pass, or not occur on another machine. */
export function isFinal(error: unknown): boolean {
  return error instanceof FlowDenoiseError && FINAL_CODES.includes(error.code);
}

export function isEngineFault(error: unknown): boolean {
  return error instanceof FlowDenoiseError && ['ENGINE_FAILED', 'CLOSED'].includes(error.code);
}

/** Errors about something that this machine lacks but another may have. */
export function asLeft(error: unknown): unknown {
  const isLacking = error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE';
  return isLacking ? new LeftToOthers(`this worker has no engine: ${error.message}`) : error;
}

async function megapixelsOf(bytes: Buffer): Promise<number> {
  const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
  return (width * height) / 1e6;
}

function stored({ priorChoice: _, noise, ...report }: PictureReport): StoredReport {
  const { profile: __, ...told } = noise;
  return { ...report, noise: told };
}
