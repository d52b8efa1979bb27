// A training's files beside its prior: log.jsonl, for programs; training.html, for people; the card at every checkpoint.

import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.js';
import { loadModel } from '../../core/model/load-prior.js';
import type { PriorModel } from '../../core/model/model-json.js';
import type { TrainingSettings } from '../presets.js';
import type { TrainingRecord, ValidationRecord } from '../progress.js';
import { updateModelCard } from './model-card.js';
import { trainingCurves } from './training-curves.js';
import { openTrainingLog } from './training-log.js';
import { trainingPage } from './training-page.js';

const LOG_FILE = 'log.jsonl';
export const PAGE_FILE = 'training.html';

interface TrainingReportOptions {
  /** The folder of log and page. */
  readonly folder: string;
  readonly title: string;
  /** Rows of the page's table: what is trained, on what, how. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The step at which training resumes; 0 starts a new log. */
  readonly lastStep: number;
}

interface TrainingReport {
  /** Call it with every record, in order. It writes the log at once, the page at every validation. */
  add(record: TrainingRecord): Promise<void>;
  /** Writes the final page. */
  finish(): Promise<void>;
  /** Closes without writing the page. */
  close(): Promise<void>;
}

/**
 * Starts or continues a training's log and page. The curves of earlier sessions come from the log.
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

const CARD_FILE = 'README.md';

/**
 * Passes records on and keeps them.
 *
 * @param lastStep  the step of the checkpoint that training resumes at; 0 for a new training
 * @throws          FlowDenoiseError WRITE_FAILED, and errors of the records
 */
export async function* keepingRecords(
  records: AsyncIterable<TrainingRecord>,
  settings: TrainingSettings,
  lastStep: number,
): AsyncGenerator<TrainingRecord, void> {
  const { output, name } = settings;
  // Opened with the first record, so that stopping before it leaves nothing.
  let report: TrainingReport | undefined;
  const open = () => openTrainingReport({ folder: output, title: name, facts: factsOf(settings), lastStep });
  let isDone = false;
  let described = lastStep === 0 ? undefined : await modelOf(output);
  try {
    for await (const record of records) {
      report ??= await open();
      await report.add(record);
      if (record.kind === 'checkpoint') described = await describe(output, described);
      yield record;
    }
    await report?.finish();
    isDone = true;
  } finally {
    // However it ended, the page should not reload any more. The error that ended it counts more than a failure here.
    if (!isDone) await report?.finish().catch(() => {});
    await report?.close();
  }
}

/** Undefined if the checkpoint's flow was never sound and has no prior. */
const modelOf = (output: string): Promise<PriorModel | undefined> => loadModel(output).catch(() => undefined);

async function describe(output: string, before: PriorModel | undefined): Promise<PriorModel | undefined> {
  const model = await modelOf(output);
  if (model) await updateModelCard(join(output, CARD_FILE), before, model);
  return model ?? before;
}

function factsOf(settings: TrainingSettings): Record<string, string> {
  const { folders, weights, architecture, objective, batch, crop, rate, steps, minutes, seed, sigmaRange } =
    settings;
  const [low, high] = sigmaRange.map((sigma) => Number((sigma * 255).toPrecision(3)));
  return {
    pictures: folders.join(', '),
    ...(weights && { weights: weights.join(' : ') }),
    objective,
    'steps per level': architecture.levels.map((level) => level.steps).join(', '),
    widths: architecture.levels.map(({ width }) => width).join(', '),
    noise: architecture.conditioning ? `sigma ${low} to ${high}` : 'not conditioned on it',
    batch: `${batch} crops of ${crop} x ${crop}`,
    rate: String(rate),
    length: steps === undefined ? `${minutes} minutes` : `${steps} steps`,
    seed: String(seed),
  };
}
