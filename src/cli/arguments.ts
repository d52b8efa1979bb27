// The options of `flow-denoise run`, with their check and help, and those it shares with `watch`.
import { z } from 'zod';
import { badOption } from '../core/errors.js';
import { noiseShape } from '../denoiser/noise/noise-options.js';
import { among, defined, notBoth, option, parseOptions } from '../denoiser/option-schema.js';
import { openingShape } from '../denoiser/options.js';
import { APPROACH_NAMES } from '../denoiser/preset.js';
import { byLifetime, concurrencyOption, fileShape, pictureShape } from '../plugin/stream-options.js';
import { withNoise } from './noise-flags.js';
import { amountOf, flagOf, flagsAmong, switchOption } from './option-flags.js';
import { checkPreview, previewSchema, several } from './preview/preview-options.js';
import { checkDestination, destinationShape, withOutputFile } from './run/destination.js';

/** What is printed, for every command that denoises. */
export const outputShape = {
  quiet: switchOption('prints errors only'),
  json: switchOption('prints a line of JSON for every picture to stdout: its report or its error'),
};

/** "60s", "1.5 min", "2h", 60: seconds. */
export const timeBudgetSchema = z
  .union([z.number(), z.string().transform((text) => amountOf(text, { s: 1, min: 60, h: 3600 }))])
  .pipe(z.number().positive().max(1e7))
  .optional();

const runShape = {
  timeBudget: option(timeBudgetSchema, 'a time above 0 such as 60s, 5min or 2h', {
    does: 'takes the best preset that fits all pictures into this time, or else fast, and tells you which',
    flag: '<time>',
  }),
  preview: option(
    previewSchema,
    'a side in pixels (320), a size (320x240) or x,y,width,height, of 8 pixels or more,',
    {
      does: 'writes one PNG of a part before and after, nothing else; --sigma 10,15,25 and --beta 3,6 take several',
      flag: '[part]',
      otherwise: '256, where there is most detail',
      see: '[Preview](cli.md#preview)',
    },
  ),
  dryRun: switchOption('lists input, output, size and expected time; writes nothing'),
  sigmaMap: option(z.string().min(1).optional(), 'the path of a grey picture', {
    does: 'noise that varies: a grey picture of the same size with the sigma of every pixel',
    flag: '<file>',
  }),
  concurrency: concurrencyOption,
  report: option(
    z
      .string()
      .regex(/\.html?$/i)
      .optional(),
    'the path of a page, ending in .html',
    {
      does: 'writes a page (.html) that shows every picture before and after',
      flag: '<file>',
      see: '[Report](cli.md#report)',
    },
  ),
};

/** The command's options, in the order of its help. */
export const commandShape = {
  ...destinationShape,
  ...noiseShape,
  ...openingShape,
  ...fileShape,
  cache: pictureShape.cache,
  ...runShape,
  ...outputShape,
};

const commandSchema = z.strictObject(commandShape);

/** Flags with those that exclude them, and why. */
export const EXCLUSIVE = [
  [
    'preview',
    ['suffix', 'inPlace', 'format', 'dryRun', 'report', 'timeBudget', 'cache', 'quality'],
    '--preview writes one PNG and nothing else',
  ],
  ['inPlace', ['output', 'suffix', 'format', 'overwrite'], '--in-place keeps every name and place'],
  ['timeBudget', ['preset', ...APPROACH_NAMES, 'beta'], '--time-budget chooses the preset'],
  ['sigmaMap', ['cache'], undefined],
] as const;

export type CommandArguments = Awaited<ReturnType<typeof checkedArguments>>;

/** With `preview`, only previews are to be written. @throws FlowDenoiseError BAD_OPTION, also for flags that exclude others */
export async function checkedArguments(
  inputs: readonly string[],
  { config: _, ...options }: Record<string, unknown>,
) {
  const lists = { sigma: several('sigma', options.sigma), beta: several('beta', options.beta) };
  if (lists.sigma && options.gain !== undefined)
    throw badOption('Expected one number for --sigma, the read noise, with --gain');
  const firsts = defined({ sigma: lists.sigma?.[0], beta: lists.beta?.[0] });
  const parsed = parseOptions(commandSchema, await withNoise({ ...options, ...firsts }), 'flow-denoise');
  const settings = byLifetime(parsed, parsed);
  const { opening, noise, file } = settings;
  const { preview: part, ...told } = among({ ...runShape, ...outputShape }, parsed);
  const preview = part && {
    part,
    sigmas: lists.sigma ?? [noise.sigma],
    betas: lists.beta ?? [opening.beta],
  };
  for (const [flag, others, why] of EXCLUSIVE) {
    const given = flagsAmong(options, others);
    if (parsed[flag] && given.length > 0) throw notBoth(flagOf(flag), given.join(', '), why);
  }
  checkPreview(preview, lists, inputs, parsed);
  const given = { ...among(destinationShape, parsed), format: file.format };
  checkDestination(inputs, given);
  const destination = await withOutputFile(inputs, given, preview !== undefined);
  return {
    ...settings,
    file: { ...file, format: destination.format },
    ...told,
    inputs,
    destination,
    preview,
  };
}
