// Describes a finished file: for people in a line of text, for programs in a line of JSON.
import { codeOf, messageOf } from '../../core/errors.js';
import { plural, printable, timeWords } from '../../core/printable.js';
import type { DenoiseReport, NoiseReport, PriorChoice } from '../../denoiser/denoiser.js';
import type { Fidelity } from '../../image/index.js';
import type { PictureReport } from '../../plugin/encoded-picture.js';
import type { Job } from '../run/destination.js';

/** The outcome for one file: either `report` or `error` is set. */
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

/** The line for a finished file. @param strength  as passed; with 0, nothing was to be changed */
export function doneLine({ input, output, otherNames = 0 }: Job, report: ToldReport, strength = 1): string {
  const { isUnchanged, noise, range, priorChoice, isCached = false, file } = report;
  const oddities = file?.warnings && `(the file has ${file.warnings.join('; ')})`;
  const isInPlace = input === output;
  if (isUnchanged) {
    const why = strength === 0 ? 'strength is 0' : noise.why + anywayWords(noise);
    return spaced([wayOf({ input, output }), `${isInPlace ? 'left as it is' : 'copied'}: ${why}`, oddities]);
  }
  const samples = range.isFound ? `, samples ${range.black} to ${range.white}` : '';
  const doubts = [
    noise.isEstimated &&
      (noise.confidence ?? 1) < DOUBTFUL &&
      `perhaps this is not noise: confidence ${percent(noise.confidence)}; if it is not, leave the file out`,
    ...tileDoubts(report),
    otherNames === 1 && 'the file has 1 other name (hard link), which keeps the noise',
    otherNames > 1 && `the file has ${otherNames} other names (hard links), which keep the noise`,
  ];
  return spaced([
    wayOf({ input, output }),
    isInPlace && 'replaced',
    isCached ? 'from the cache' : timeWords(report.seconds),
    noise.isEstimated && noiseWords(noise) + samples,
    priorChoice && `prior ${report.prior} (${choiceWords(priorChoice)})`,
    ...doubts.map((doubt) => doubt && `(${doubt})`),
    oddities,
  ]);
}

const spaced = (parts: readonly (string | false | undefined)[]) => parts.filter(Boolean).join('  ');

export function tileDoubts({ fallbackTiles, spotTiles, tiles }: DenoiseReport): string[] {
  const doubts = [
    [fallbackTiles, 'are unlike what the prior knows; is sigma right?'],
    [spotTiles, 'have a spot that the prior does not know and that stays as it was'],
  ] as const;
  return doubts.flatMap(([count, what]) => (count > 0 ? `${count} of ${plural(tiles, 'tile')} ${what}` : []));
}

/** Below this confidence the command warns: docs/noise.md tells how often such findings are right. */
const DOUBTFUL = 0.95;

export const percent = (share = 1) => `${Math.round(100 * share)}%`;

/** How confident the finding is, and what to do if it is wrong. */
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

/** "sigma 12.0, correlated", or the model with its gain. */
export function noiseWords(noise: NoiseReport): string {
  if (noise.gain !== undefined) return `${noise.model}, ${levelWords(noise)}`;
  return `${levelWords(noise)}${noise.isCorrelated ? ', correlated' : ''}`;
}

/** "sigma 12.0" or "gain 2.50, read noise 4.0". */
export function levelWords({ sigma, gain }: Pick<NoiseReport, 'sigma' | 'gain'>): string {
  return gain === undefined
    ? `sigma ${sigma.toFixed(1)}`
    : `gain ${gain.toFixed(2)}, read noise ${sigma.toFixed(1)}`;
}

/** "a.jpg -> out/a.jpg", or one name if both are the same. */
export function wayOf({ input, output }: Job): string {
  return input === output ? printable(input) : `${printable(input)} -> ${printable(output)}`;
}

/** Removes the file's name from the start of a message, for where the name is shown already. */
export function withoutName(message: string, input: string): string {
  const name = `${printable(input)}: `;
  return message.startsWith(name) ? message.slice(name.length) : message;
}

/** An error as one line for stderr. DEBUG=flow-denoise adds the stack. */
export function errorLine(error: unknown): string {
  const message = messageOf(error).trim();
  const line = printable(`flow-denoise: ${message.replaceAll(/\s*\n\s*/g, '; ')}`);
  const isDebugging = process.env.DEBUG?.split(/[\s,]+/).includes('flow-denoise');
  return isDebugging && error instanceof Error ? `${line}\n${error.stack}` : line;
}

/** Thrown instead of the signal's reason by a command that was stopped; its message is printed. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
