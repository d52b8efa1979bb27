// One job from start to end: read, denoise, write. A job may stop being ours while it is in work.
import sharp from 'sharp';
import { FlowDenoiseError } from '../core/errors.js';
import type { Denoiser } from '../denoiser/denoiser.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import type { DenoiserOptions, Progress } from '../denoiser/options.js';
import { denoiseEncodedPicture, type PictureReport } from '../plugin/encoded-picture.js';
import type { FileOptions } from '../plugin/stream-options.js';
import { type JobData, LeftToOthers, settingsOf } from './job.js';
import { priorOfJob } from './priors.js';
import type { Storage } from './storage/storage.js';

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

/** The worker's own options. */
type OwnOptions = Pick<DenoiserOptions, 'engine' | 'threads'> & Pick<FileOptions, 'maxPixels' | 'maxBytes'>;

/** Reads a picture from the storage, denoises it and writes the result. @throws also LeftToOthers, and the signal's reason */
export async function workOnJob(
  { input, output, content, keepsExisting, prior: named, options }: JobData,
  { id, isAgain, signal, onProgress, checkLock }: Turn,
  storage: Storage,
  denoisers: Denoisers,
  { engine, threads, maxPixels, maxBytes }: OwnOptions,
): Promise<JobResult> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  if (keepsExisting && (await storage.exists(output)))
    return { megapixels: 0, bytes: 0, seconds: seconds(), report: undefined };
  const prior = await priorOfJob(named, storage, signal);
  const bytes = await storage.read(input, { most: maxBytes, content, signal });
  const { opening, noise, file } = settingsOf(options);
  const call = { ...noise, signal, onProgress };
  const { bytes: denoised, report } = await denoisers.use({ ...opening, engine, threads, prior }, (open) =>
    denoiseEncodedPicture(bytes, storage.locationOf(input), open, call, { ...file, maxPixels }),
  );
  await checkLock();
  const result = denoised ?? bytes;
  await storage.write(output, result, { id, keepsExisting, isAgain, signal });
  const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
  return {
    megapixels: (width * height) / 1e6,
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

function stored({ priorChoice: _, noise, ...report }: PictureReport): StoredReport {
  const { profile: __, ...told } = noise;
  return { ...report, noise: told };
}

/** Each keeps threads and a prior's weights in memory. */
const MOST_OPEN = 2;

interface Entry {
  readonly key: string;
  readonly denoiser: Promise<Denoiser>;
  users: number;
  isSpoilt: boolean;
}

export type Denoisers = ReturnType<typeof openDenoisers>;

/** The denoisers of a worker: one per set of opening options, of which the last few stay open. */
export function openDenoisers() {
  /** In the order of use, the last used at the end. */
  const entries = new Set<Entry>();

  function lend(options: DenoiserOptions): Entry {
    const key = JSON.stringify(options);
    const there = [...entries].find((each) => each.key === key && !each.isSpoilt);
    const entry = there ?? { key, denoiser: openDenoiser(options), users: 0, isSpoilt: false };
    entry.denoiser.catch(() => {
      entry.isSpoilt = true;
    });
    entry.users++;
    entries.delete(entry);
    entries.add(entry);
    return entry;
  }

  /** Closes those that nobody uses, down to so many. */
  async function closeIdle(most: number): Promise<void> {
    for (const entry of [...entries]) {
      if (entry.users > 0 || !(entry.isSpoilt || entries.size > most)) continue;
      entries.delete(entry);
      const opened = await entry.denoiser.catch(() => undefined);
      await opened?.close();
    }
  }

  return {
    /** Lends a denoiser to `work`. @throws LeftToOthers if this machine does not have the engine */
    async use<T>(options: DenoiserOptions, work: (open: () => Promise<Denoiser>) => Promise<T>): Promise<T> {
      let lent: Entry | undefined;
      try {
        return await work(async () => {
          lent ??= lend(options);
          await closeIdle(MOST_OPEN);
          return lent.denoiser;
        });
      } catch (error) {
        if (lent && isEngineFault(error)) lent.isSpoilt = true;
        if (error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE')
          throw new LeftToOthers(`this worker has no engine: ${error.message}`);
        throw error;
      } finally {
        if (lent) lent.users--;
        await closeIdle(MOST_OPEN);
      }
    },
    close: () => closeIdle(0),
  };
}

/** Whether an error means that the denoiser should not be used again. */
export function isEngineFault(error: unknown): boolean {
  return error instanceof FlowDenoiseError && ['ENGINE_FAILED', 'CLOSED'].includes(error.code);
}
