// A trained prior's card: README.md beside model.json, made from it, with the headings of the shipped priors' cards.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../../core/files.js';
import { parameterCount, squeezeFactor } from '../../core/flow/architecture.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { plural, short, timeWords } from '../../core/printable.js';

const level = z.object({
  sigma255: z.number(),
  noisy: z.number(),
  denoised: z.number().optional(),
  posteriorMean: z.number().optional(),
  betaMap: z.number().optional(),
});
type Level = z.infer<typeof level>;

/** The provenance that training and calibration write. Other priors have less. */
const provenanceSchema = z
  .object({
    method: z.string(),
    data: z.record(z.string(), z.union([z.string(), z.number()])),
    machine: z.string(),
    steps: z.number(),
    batch: z.number(),
    rate: z.number(),
    seed: z.number(),
    from: z.string(),
    seconds: z.number(),
    date: z.string(),
    validation: z.object({
      step: z.number(),
      bitsPerDimension: z.number().nullable(),
      psnr: z.array(level),
    }),
    calibration: z.object({
      crops: z.number(),
      files: z.number(),
      areKeptForValidation: z.boolean(),
      psnr: z.array(level),
    }),
  })
  .partial();
type Provenance = z.infer<typeof provenanceSchema>;

/** @returns  a prior's card; without our training's provenance it is shorter */
export function modelCard(model: PriorModel): string {
  const sections = [...sectionsOf(model)].map(([heading, text]) => `## ${heading}\n\n${text}\n`);
  return `# ${model.name}: a prior trained with flow-denoise\n\n${sections.join('\n')}`;
}

/**
 * Updates a card to its model.json. Sections that someone rewrote stay. A missing card is written.
 *
 * @param before  the model that the card was written for, if any
 * @throws        FlowDenoiseError WRITE_FAILED
 */
export async function updateModelCard(
  path: string,
  before: PriorModel | undefined,
  after: PriorModel,
): Promise<void> {
  const card = await readFile(path, 'utf8').catch(() => undefined);
  const updated = card === undefined ? modelCard(after) : withNewSections(card, before, after);
  if (updated !== card) await writeFileAtomic(path, Buffer.from(updated));
}

function withNewSections(card: string, before: PriorModel | undefined, after: PriorModel): string {
  const old = before && sectionsOf(before);
  const now = sectionsOf(after);
  const parts = card.split(/^(?=## )/m).map((part) => {
    const [, heading = '', text = ''] = /^## (.+)\n([\s\S]*)$/.exec(part) ?? [];
    const next = now.get(heading);
    if (next === undefined || text.trim() !== old?.get(heading)) return part;
    return `## ${heading}\n\n${next}${part.slice(part.trimEnd().length)}`;
  });
  return parts.join('');
}

function sectionsOf(model: PriorModel): ReadonlyMap<string, string> {
  const provenance = provenanceSchema.safeParse(model.provenance).data ?? {};
  return new Map([
    ['Use', useWords(model)],
    ['Data and licence', dataWords(provenance)],
    ['Training', trainingWords(model, provenance)],
    ['Measured quality', qualityWords(model, provenance)],
    ['Limits', limitWords(model, provenance)],
  ]);
}

function useWords(model: PriorModel): string {
  const { levels, conditioning, sigmaRange } = model;
  const [low, high] = sigmaRange.map((sigma) => short(sigma * 255));
  const knows = conditioning
    ? `For Gaussian noise of sigma ${low} to ${high} in 8-bit units. Both estimators work with it.`
    : 'Not conditioned on the noise level: for beta-MAP only, at any sigma.';
  const steps = levels.map((level) => level.steps).join(', ');
  const widths = levels.map((level) => level.width).join(', ');
  return `Pictures like those that it was trained on:

    flow-denoise photos -o clean --prior path/to/this/folder

${knows}

A Glow of ${levels.length} levels with ${steps} steps of actnorm, invertible 1x1 convolution and affine coupling; networks of ${widths} channels. \
${number(parameterCount(model))} parameters. The sides of a tile are multiples of ${squeezeFactor(model)}.`;
}

function dataWords({ data = {} }: Provenance): string {
  const { pictures, validationPictures = 0, files = 0, validationFiles = 0, sheetTile } = data;
  const { folders, weights, shrink, hash } = data;
  const sheets =
    sheetTile === undefined
      ? ''
      : ` (on ${number(files)} and ${number(validationFiles)} contact sheets, ${sheetTile} x ${sheetTile} pixels each)`;
  const words = [
    pictures === undefined
      ? 'What it was trained on is not recorded.'
      : `${number(pictures)} pictures; ${number(validationPictures)} more were kept for validation${sheets}.`,
    hash && `SHA-256 over their names and lengths: \`${hash}\`.`,
    folders && `The crops are from ${folders} folders${weights ? `, in the ratio ${weights}` : ''}.`,
    shrink && `The pictures were used at several scales, from 1 down to ${shrink}.`,
  ];
  return `${words.filter(Boolean).join(' ')}

**Licence: not stated.** Whose pictures these are and what they may be used for, you know; write it here before you pass the prior on.`;
}

function trainingWords({ inputResolution: size }: PriorModel, provenance: Provenance): string {
  const { method, steps, batch = '?', rate, seed, from, seconds, date, machine } = provenance;
  if (steps === undefined) return 'Not recorded.';
  const facts = {
    Method: method,
    Steps: `${number(steps)} of ${batch} crops of ${size} x ${size}`,
    Rate: rate,
    Seed: seed,
    Start: from && `the weights of ${from}`,
    Time: seconds === undefined ? undefined : timeWords(seconds),
    Machine: machine,
    Date: date,
  };
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  return table(
    ['', ''],
    known.map(([name, value]) => [name, String(value)]),
  );
}

function qualityWords(model: PriorModel, { validation, calibration }: Provenance): string {
  const parts: string[] = [];
  const noise = 'Gaussian noise that is not clipped, results clamped to [0, 1]; mean PSNR in dB.';
  if (validation !== undefined) {
    const { step, bitsPerDimension, psnr } = validation;
    if (bitsPerDimension !== null)
      parts.push(
        `Bits per dimension on validation crops at step ${number(step)}: ${bitsPerDimension.toFixed(3)}.`,
      );
    const method = model.conditioning ? 'posterior mean' : 'a short beta-MAP';
    if (psnr.length > 0)
      parts.push(
        `While training, on validation crops: ${noise}`,
        levelTable(psnr, { noisy: ({ noisy }) => noisy, [method]: ({ denoised }) => denoised }),
      );
  }
  if (calibration !== undefined) {
    const { crops, files, areKeptForValidation, psnr } = calibration;
    const { steps = 0, table: betas = [] } = model.calibration?.betaMap ?? {};
    const kept = areKeptForValidation ? 'kept for validation' : 'of a folder for calibration';
    parts.push(
      `Calibrated on ${crops} crops of ${plural(files, 'file')} ${kept}: ${noise} beta was chosen on these crops.`,
      levelTable(psnr, {
        noisy: ({ noisy }) => noisy,
        'posterior mean': ({ posteriorMean }) => posteriorMean,
        [`beta-MAP, ${plural(steps, 'step')}`]: ({ betaMap }) => betaMap,
        beta: (row) => String(betas.find(({ sigma255 }) => sigma255 === row.sigma255)?.beta ?? 'none'),
      }),
    );
  }
  return parts.length === 0 ? 'Nothing was measured yet.' : parts.join('\n\n');
}

/** A column for each noise level; a row that has nothing at a level is left out. Numbers are decibels. */
function levelTable(
  levels: readonly Level[],
  rows: Readonly<Record<string, (level: Level) => number | string | undefined>>,
): string {
  const filled = Object.entries(rows).map(([name, of]) => [name, ...levels.map(of)] as const);
  return table(
    ['', ...levels.map(({ sigma255 }) => `sigma ${short(sigma255)}`)],
    filled
      .filter((row) => !row.includes(undefined))
      .map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toFixed(2) : String(cell)))),
  );
}

function limitWords({ conditioning }: PriorModel, { data = {} }: Provenance): string {
  const pictures = Number(data.pictures ?? Number.NaN);
  const limits = [
    ...(pictures < 1000 ? [`${number(pictures)} pictures are few.`] : []),
    'Nothing was measured on pictures of another kind than those it was trained on.',
    'Noise that is not Gaussian, or not independent between pixels (JPEG, demosaicing, upscaling), is not what it was trained for.',
    ...(conditioning
      ? []
      : ['It has no posterior mean; beta-MAP starts from the noisy picture and takes many steps.']),
    'On content unlike its pictures the flow can break down; such tiles fall back (`report.fallbackTiles`).',
  ];
  return limits.map((limit) => `- ${limit}`).join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function number(value: string | number): string {
  return typeof value === 'number' ? value.toLocaleString('en-GB') : value;
}
