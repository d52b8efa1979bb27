// What a watched folder tells to programs.
import type { PictureReport } from '../encoded-picture.js';

export interface WatchReady {
  /** Pictures that wait to be taken. */
  readonly waiting: number;
  /** Pictures that are over with, from an earlier run. */
  readonly known: number;
}

export interface PictureTaken {
  /** The picture's path: the input folder as it was given, and the way below it. */
  readonly input: string;
}

export interface PictureDone extends PictureTaken {
  readonly output: string;
  readonly report: PictureReport;
  /** Where the original was moved to. */
  readonly movedTo?: string | undefined;
}

export interface PictureFailed extends PictureTaken {
  readonly error: Error;
  readonly movedTo?: string | undefined;
  /**
   * False where not the picture was at fault: the engine, or with `once` the storage. The picture is left as it was and
   * taken again, at the next rescan or by the next run.
   */
  readonly isFinal: boolean;
}

export interface PictureSkipped extends PictureTaken {
  /** In words. */
  readonly why: string;
}

export interface WatchProblem {
  readonly error: Error;
  /** The picture that waits because of it, if one does. */
  readonly input?: string | undefined;
  /** When it is tried again, if it is. */
  readonly retryInMs?: number | undefined;
}

/** Counted since the start. */
export interface WatchSummary {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface WatchEvents {
  /** The folder was read once and is being watched. */
  ready: [WatchReady];
  /** A picture has been left alone for long enough, decodes, and is in work now. */
  taken: [PictureTaken];
  /** A picture lies in the output folder. */
  done: [PictureDone];
  /** A picture cannot be denoised. */
  failed: [PictureFailed];
  /** A file was looked at and left: a symbolic link, or known by its content. */
  skipped: [PictureSkipped];
  /** Something is wrong around the pictures (a full disk); the work goes on, or goes on when it is over. */
  problem: [WatchProblem];
  /** Nothing is in work and nothing waits. */
  idle: [WatchSummary];
}
