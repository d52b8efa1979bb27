// The options of `--preview`: where to look, and the sigmas and betas to compare.

import { existsSync } from 'node:fs';
import { z } from 'zod';
import { badOption } from '../../core/errors.js';
import type { Region, Size } from '../../core/picture.js';
import { SIGMA_WORDS, sigmaSchema } from '../../denoiser/noise/noise-options.js';
import { notBoth } from '../../denoiser/option-schema.js';
import { BETA_WORDS, betaSchema } from '../../denoiser/options.js';
import { isSupportedExtension } from '../../image/index.js';
import { numberOrText } from '../option-flags.js';
import { STANDARD } from '../run/destination.js';

export interface PreviewRequest {
  /** A region or a size, in pixels of the upright picture. For a size, the place is chosen. */
  readonly part: Region | Size;
  readonly sigmas: readonly (number | 'auto')[];
  readonly betas: readonly (number | 'auto')[];
}

const PART = /^(\d+|\d+x\d+|\d+,\d+,\d+,\d+)$/;

const SIDE = 256;
const MOST_CELLS = 40;

/** true; "320"; "320x240"; "x,y,width,height". */
export const previewSchema = z
  .union([z.boolean(), z.int().min(8), z.string().regex(PART)])
  .optional()
  .transform((preview) => (preview === undefined || preview === false ? undefined : partOf(preview)))
  .refine((part) => part === undefined || (part.width >= 8 && part.height >= 8));

function partOf(preview: true | number | string): PreviewRequest['part'] {
  if (preview === true) return { width: SIDE, height: SIDE };
  const [first = 0, second = first, width = 0, height = 0] = String(preview).split(/[x,]/).map(Number);
  if (width === 0) return { width: first, height: second };
  return { left: first, top: second, width, height };
}

/** Several values for --preview: "10,15,25" or, in a file of options, [10, 15, 25]. Undefined for one: the schema checks it. */
export function several(flag: 'sigma' | 'beta', value: unknown): readonly (number | 'auto')[] | undefined {
  const list = typeof value === 'string' && value.includes(',') ? value.split(',') : value;
  if (!Array.isArray(list)) return undefined;
  const [schema, expected] = flag === 'sigma' ? [sigmaSchema, SIGMA_WORDS] : [betaSchema, BETA_WORDS];
  return list.map((word: unknown) => {
    const text = String(word).trim();
    const each = schema.safeParse(numberOrText(text));
    if (each.success) return each.data;
    throw badOption(`Expected ${expected} between the commas of --${flag} but received '${text}'`);
  });
}

/** @throws FlowDenoiseError BAD_OPTION for lists without --preview, and for a preview without files and a folder */
export function checkPreview(
  request: PreviewRequest | undefined,
  lists: Readonly<Record<'sigma' | 'beta', readonly unknown[] | undefined>>,
  inputs: readonly string[],
  { output, method }: { readonly output?: string | undefined; readonly method?: string | undefined },
): void {
  if (request === undefined) {
    for (const [flag, list] of Object.entries(lists))
      if (list)
        throw badOption(
          `Expected one number for --${flag}, or several with --preview, but received ${list.join()}`,
        );
    return;
  }
  if (output === undefined || output === STANDARD || inputs.includes(STANDARD))
    throw badOption('Pass files and an --output <folder> with --preview');
  if (lists.beta && method === 'posterior-mean')
    throw notBoth('--beta', '--method posterior-mean', 'the posterior mean has no beta');
  const cells = request.sigmas.length * request.betas.length;
  if (cells > MOST_CELLS)
    throw badOption(`Expected at most ${MOST_CELLS} pairs of sigma and beta but received ${cells}`);
}

/** With `--preview cat.png`, the argument is an input, not a value: inserts the usual size. */
export function withPreviewInput(argv: readonly string[]): string[] {
  const at = argv.indexOf('--preview');
  const next = argv[at + 1];
  const isInput =
    next !== undefined && (isSupportedExtension(next) || (!PART.test(next) && existsSync(next)));
  return at >= 0 && isInput ? [...argv.slice(0, at), `--preview=${SIDE}`, ...argv.slice(at + 1)] : [...argv];
}
