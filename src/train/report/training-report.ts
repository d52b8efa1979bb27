// What a training leaves to be looked at, beside its prior: log.jsonl, for programs, and training.html, for people.

import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.js';
import type { TrainingRecord, ValidationRecord } from '../progress.js';
import { trainingCurves } from './training-curves.js';
import { openTrainingLog } from './training-log.js';
import { trainingPage } from './training-page.js';

export const LOG_FILE = 'log.jsonl';
export const PAGE_FILE = 'training.html';

export interface TrainingReportOptions {
  /** Where both are written. */
  readonly folder: string;
  /** The prior's name. */
  readonly title: string;
  /** What is trained, on what, how: rows of the page's table. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The step after which training goes on; 0 begins a log anew. */
  readonly lastStep: number;
}

export interface TrainingReport {
  /** Every record, in its order. The page is written at every validation, the log at once. */
  add(record: TrainingRecord): Promise<void>;
  /** Writes the page for good. */
  finish(): Promise<void>;
  /** Leaves log and page as they are. */
  close(): Promise<void>;
}

/**
 * Begins or goes on with a training's log and page. The curves of earlier sessions come from the log.
 *
 * @throws  FlowDenoiseError WRITE_FAILED, as its methods do
 */
export async function openTrainingReport(options: TrainingReportOptions): Promise<TrainingReport> {
  const { folder, title, facts, lastStep } = options;
  const log = await openTrainingLog(join(folder, LOG_FILE), lastStep);
  const curves = trainingCurves();
  for (const record of log.earlier) curves.add(record);
  let latest: ValidationRecord | undefined;

  async function writePage(isRunning: boolean): Promise<void> {
    const page = await trainingPage({ title, facts, curves, latest, isRunning });
    await writeFileAtomic(join(folder, PAGE_FILE), Buffer.from(page));
  }

  return {
    async add(record) {
      await log.add(record);
      curves.add(record);
      if (record.kind !== 'validation') return;
      latest = record;
      await writePage(true);
    },
    finish: () => writePage(false),
    close: () => log.close(),
  };
}
