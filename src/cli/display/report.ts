// How a finished file is told: to people in a line of words, to programs in a line of JSON.
import { codeOf, messageOf } from '../../core/errors.js';
import { printable, timeWords } from '../../core/printable.js';
import type { DenoiseReport, NoiseReport, PriorChoice, SampleRange } from '../../denoiser/denoiser.js';
import type { Fidelity } from '../../image/index.js';
import type { PictureReport } from '../../plugin/encoded-picture.js';
import type { Job } from '../run/inputs.js';

/** What became of one file: one of `report` and `error` is there. */
export interface Outcome {
  readonly job: Job;
  readonly report?: PictureReport;
  readonly error?: unknown;
}

/** One line of --json: {input, output, report} or {input, output, error: {code, message}}. */
export function jsonLine({ job: { input, output }, report, error }: Outcome): string {
  if (report !== undefined) return JSON.stringify({ input, output, report });
  return JSON.stringify({ input, output, error: errorJson(error) });
}

export function errorJson(error: unknown): { code: string; message: string } {
  return { code: codeOf(error) ?? 'UNKNOWN', message: messageOf(error) };
}

type ToldReport = DenoiseReport & { readonly isCached?: boolean; readonly file?: Pick<Fidelity, 'warnings'> };

/**
 * The line of a file that is done.
 *
 * @param strength  what was asked for; with 0, nothing was to be changed
 */
export function doneLine(
  { input, output, otherNames = 0 }: Job,
  {
    seconds,
    tiles,
    fallbackTiles,
    spotTiles,
    isUnchanged,
    noise,
    range,
    prior,
    priorChoice,
    isCached = false,
    file,
  }: ToldReport,
  strength = 1,
): string {
  const names = wayOf({ input, output });
  const oddities = file?.warnings ? `  (the file has ${file.warnings.join('; ')})` : '';
  if (isUnchanged) {
    const why = strength === 0 ? 'strength is 0' : `${noise.why}${anywayWords(noise)}`;
    return `${names}  ${input === output ? 'left as it is' : 'copied'}: ${why}${oddities}`;
  }
  const found = noise.isEstimated ? `  ${noiseWords(noise)}${rangeWords(range)}` : '';
  const doubts = [
    noise.isEstimated &&
      (noise.confidence ?? 1) < DOUBTFUL &&
      `not sure that this is noise: confidence ${percent(noise.confidence)}; if it is none, leave the file out`,
    fallbackTiles > 0 &&
      `${fallbackTiles} of ${tiles} tiles are unlike what the prior knows; is sigma right?`,
    spotTiles > 0 &&
      `${spotTiles} of ${tiles} tiles have a spot that the prior does not know and that stays as it was`,
    otherNames > 0 &&
      `the file has ${otherNames} other ${otherNames === 1 ? 'name (hard link), which keeps' : 'names (hard links), which keep'} the noise`,
  ].flatMap((doubt) => (doubt ? `  (${doubt})` : []));
  const where = input === output ? `${names}  replaced` : names;
  const chosen = priorChoice ? `  prior ${prior} (${choiceWords(priorChoice)})` : '';
  return `${where}  ${isCached ? 'from the cache' : timeWords(seconds)}${found}${chosen}${doubts.join('')}${oddities}`;
}

/** Below this confidence the command warns: docs/noise.md says how often such findings are right. */
const DOUBTFUL = 0.99;

const percent = (share = 1) => `${Math.round(100 * share)}%`;

/** How sure it is that there is nothing to do, and what to do if there is. */
function anywayWords({ isEstimated, confidence }: NoiseReport): string {
  if (!isEstimated) return '';
  const sure = confidence === undefined ? '' : `, confidence ${percent(confidence)}`;
  return `${sure}; pass --sigma to denoise it anyway`;
}

function choiceWords({ why, figures }: PriorChoice): string {
  if (figures.length === 0) return why;
  const words = figures.map(({ prior, natsPerSample }) => `${prior} ${natsPerSample.toFixed(4)}`);
  return `nats per sample: ${words.join(', ')}`;
}

function noiseWords({ model, sigma, gain, isCorrelated }: NoiseReport): string {
  if (gain !== undefined) return `${model}, gain ${gain.toFixed(2)}, read noise ${sigma.toFixed(1)}`;
  return `sigma ${sigma.toFixed(1)}${isCorrelated ? ', correlated' : ''}`;
}

/** Where the samples lie, if they say so themselves: the noise is told in 1/255 of it. */
function rangeWords({ black, white, isFound }: SampleRange): string {
  return isFound ? `, samples ${black} to ${white}` : '';
}

/** "a.jpg -> out/a.jpg", or one name where it stays where it is. */
export function wayOf({ input, output }: Job): string {
  return input === output ? printable(input) : `${printable(input)} -> ${printable(output)}`;
}

/** A message begins with the file's name, as it is shown; this is for where it stands above already. */
export function withoutName(message: string, input: string): string {
  const name = `${printable(input)}: `;
  return message.startsWith(name) ? message.slice(name.length) : message;
}

/** The one line that an error is on stderr, whatever line breaks its message has; DEBUG=flow-denoise adds the stack. */
export function errorLine(error: unknown): string {
  const line = printable(
    `flow-denoise: ${messageOf(error)
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ')}`,
  );
  const isDebugging = process.env.DEBUG?.split(/[\s,]+/).includes('flow-denoise') ?? false;
  return isDebugging && error instanceof Error ? `${line}\n${error.stack}` : line;
}

/**
 * Thrown in place of the signal's reason by a command that has more to say when it is stopped; its message is shown.
 */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
