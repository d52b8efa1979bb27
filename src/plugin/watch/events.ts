// The events of a watched folder.
import type { PictureReport } from '../encoded-picture.js';

export interface WatchReady {
  /** Pictures waiting to be taken. */
  readonly waiting: number;
  /** Pictures that an earlier run has finished. */
  readonly known: number;
}

export interface PictureTaken {
  /** The picture's path: the input folder as it was passed, and the path below it. */
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
   * False if the engine was at fault, or with `once` the storage. The picture stays and is taken again, at the next rescan or
   * by the next run.
   */
  readonly isFinal: boolean;
}

export interface PictureSkipped extends PictureTaken {
  readonly why: string;
}

export interface WatchProblem {
  readonly error: Error;
  /** The picture that waits because of it, if any. */
  readonly input?: string | undefined;
  /** When it is tried again, if at all. */
  readonly retryInMs?: number | undefined;
}

/** Counted since the start. */
export interface WatchSummary {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface WatchEvents {
  /** The folder was read once and is now watched. */
  ready: [WatchReady];
  /** A picture has settled, decodes, and is now in work. */
  taken: [PictureTaken];
  /** A picture's result is in the output folder. */
  done: [PictureDone];
  failed: [PictureFailed];
  /** A file was skipped: it is a symbolic link, or its content is known. */
  skipped: [PictureSkipped];
  /** Something outside the pictures is wrong, such as a full disk. The work goes on, or resumes when it is fixed. */
  problem: [WatchProblem];
  /** Nothing is in work or waiting. */
  idle: [WatchSummary];
}
