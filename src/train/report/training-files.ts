// What a training leaves beside its prior as it goes: the log, the page, and the prior's card at every checkpoint.
import { join } from 'node:path';
import { loadModel } from '../../core/model/load-prior.js';
import type { PriorModel } from '../../core/model/model-json.js';
import type { TrainingRecord } from '../progress.js';
import type { TrainingSettings } from '../settings.js';
import { updateModelCard } from './model-card.js';
import { openTrainingReport, type TrainingReport } from './training-report.js';

const CARD_FILE = 'README.md';

/**
 * Passes records on and keeps them.
 *
 * @param lastStep  of the checkpoint that training goes on from; 0 for a new training
 * @throws          FlowDenoiseError WRITE_FAILED, and what the records throw
 */
export async function* keepingRecords(
  records: AsyncIterable<TrainingRecord>,
  settings: TrainingSettings,
  lastStep: number,
): AsyncGenerator<TrainingRecord, void> {
  const { output, name } = settings;
  // With the first record: whoever stops before it leaves nothing.
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
    // However it ended, the page shall not go on as if it had not; what ended it counts more than a page unwritten.
    if (!isDone) await report?.finish().catch(() => {});
    await report?.close();
  }
}

/** A checkpoint of a flow that was never sound comes without a prior. */
const modelOf = (output: string): Promise<PriorModel | undefined> => loadModel(output).catch(() => undefined);

async function describe(output: string, before: PriorModel | undefined): Promise<PriorModel | undefined> {
  const model = await modelOf(output);
  if (model) await updateModelCard(join(output, CARD_FILE), before, model);
  return model ?? before;
}

/** Rows of the page's table. */
function factsOf(settings: TrainingSettings): Record<string, string> {
  const { folder, architecture, objective, batch, crop, rate, steps, minutes, seed, sigmaRange } = settings;
  const [low, high] = sigmaRange.map((sigma) => Number((sigma * 255).toPrecision(3)));
  return {
    pictures: folder,
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
