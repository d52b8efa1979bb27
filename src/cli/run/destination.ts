// Where results go: beside the original, into a folder, or in its place. Checks the flags and computes the paths.
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { badOption, type FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { notBoth, option } from '../../denoiser/option-schema.js';
import { type PictureFormat, withFormatExtension } from '../../image/index.js';

/** Checked: one of `output`, `suffix` and `inPlace` is set. */
export interface Destination {
  /** The folder for results; '-' is standard output. */
  readonly output?: string | undefined;
  /** The result's file, if `output` is a file name (output-file.ts). */
  readonly file?: string | undefined;
  /** Inserted before the extension. Without `output`, results go beside their originals. */
  readonly suffix?: string | undefined;
  /** Results replace their originals. */
  readonly inPlace?: boolean | undefined;
  /** In place: suffix for the originals that are kept. */
  readonly backup?: string | undefined;
  /** Whether to replace existing files; otherwise their pictures are skipped. */
  readonly overwrite?: boolean | undefined;
  /** Sets the extension of results. */
  readonly format?: PictureFormat | undefined;
}

/** One picture to denoise: its paths, as the user would write them. */
export interface Job {
  readonly input: string;
  readonly output: string;
  /** In place: the number of the file's hard links that are not inputs. */
  readonly otherNames?: number;
  /** In place: why it must not be replaced. */
  readonly refusal?: FlowDenoiseError;
}

/** A picture with the place where it was found: `below` is its path inside `base`. */
export interface FoundPicture {
  readonly job: Job;
  readonly base: string;
  readonly below: string;
}

/** Standard input or output, as a path. */
export const STANDARD = '-';

const DEFAULT_BACKUP = '.orig';

const namePart = z.string().regex(/^[^/\\\0]+$/);

export const destinationShape = {
  output: option(
    z.string().min(1).optional(),
    'a folder, a file for one picture, or - for standard output,',
    {
      does: 'where to write, in the same formats; a file such as clean.png, or - (stdout), for one picture',
      flag: '<folder>',
      letter: 'o',
    },
  ),
  suffix: option(namePart.optional(), 'a part of a file name', {
    does: 'text before the extension; without --output, writes beside the original',
    flag: '<text>',
  }),
  overwrite: option(z.boolean().optional(), 'true or false', {
    does: 'replaces existing outputs, which are skipped otherwise',
    flag: '',
  }),
  inPlace: option(z.boolean().optional(), 'true or false', {
    does: 'replaces the originals, each whole or not at all',
    flag: '',
  }),
  backup: option(
    z
      .union([z.boolean(), namePart])
      .optional()
      .transform((backup) => (backup === true ? DEFAULT_BACKUP : backup || undefined)),
    'true, false or a part of a file name',
    {
      does: 'with --in-place: keeps each original, its name with this suffix',
      flag: '[suffix]',
      otherwise: DEFAULT_BACKUP,
    },
  ),
};

/** @throws FlowDenoiseError BAD_OPTION if the flags contradict each other or name no destination */
export function checkDestination(inputs: readonly string[], destination: Destination): void {
  const { output, suffix, inPlace = false, backup, overwrite = false, format } = destination;
  const given = { '--output': output, '--suffix': suffix, '--format': format, '--overwrite': overwrite };
  const named = Object.entries(given).flatMap(([flag, value]) => (value ? flag : []));
  if (inPlace && named.length > 0) {
    throw notBoth('--in-place', named.join(', '), '--in-place keeps every name and place');
  }
  if (backup !== undefined && !inPlace)
    throw badOption('Pass --backup only with --in-place: nothing else replaces an original');
  if (inputs.includes(STANDARD) || inPlace || output !== undefined || suffix !== undefined) return;
  const last = inputs.at(-1) ?? '';
  if (inputs.length > 1 && !/[*?[\]{}]/.test(last) && !existsSync(last))
    throw badOption(`No such file or folder: ${printable(last)}. Did you mean -o ${printable(last)}?`);
  throw badOption('Pass --output <folder>, --suffix <text> or --in-place for the results');
}

/** The output path of `input`, which was found at `below` under the user's argument. */
export function outputOf(input: string, below: string, destination: Destination): string {
  const { output, file, suffix, inPlace = false, format } = destination;
  if (inPlace) return input;
  if (file !== undefined) return file;
  const path = output === undefined ? input : join(output, below);
  const suffixed = suffix === undefined ? path : withSuffix(path, suffix);
  return format === undefined ? suffixed : withFormatExtension(suffixed, format);
}

function withSuffix(path: string, suffix: string): string {
  const extension = extname(path);
  const name = `${basename(path, extension)}${suffix}${extension}`;
  return dirname(path) === '.' ? name : join(dirname(path), name);
}
