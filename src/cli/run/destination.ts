// Where results go: beside the original, into a folder or a file, or in its place. Checks the flags and computes the paths.
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { badOption, type FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { option } from '../../denoiser/option-schema.js';
import {
  formatOfFile,
  isSupportedExtension,
  type TargetFormat,
  withFormatExtension,
} from '../../image/index.js';
import { switchOption } from '../option-flags.js';

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
  overwrite: switchOption('replaces existing outputs, which are skipped otherwise'),
  inPlace: switchOption('replaces the originals, each whole or not at all'),
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

/** Checked: one of `output`, `suffix` and `inPlace` is set. */
export interface Destination extends Partial<z.output<z.ZodObject<typeof destinationShape>>> {
  /** The result's file, if `output` is a file name. */
  readonly file?: string | undefined;
  /** Sets the extension of results. */
  readonly format?: TargetFormat | undefined;
}

const GLOB = /[*?[\]{}()!]/;

/** @throws FlowDenoiseError BAD_OPTION if the flags contradict each other or name no destination */
export function checkDestination(inputs: readonly string[], destination: Destination): void {
  const { output, suffix, inPlace = false, backup } = destination;
  if (backup !== undefined && !inPlace)
    throw badOption('Pass --backup only with --in-place: nothing else replaces an original');
  if (inputs.includes(STANDARD) || inPlace || output !== undefined || suffix !== undefined) return;
  const last = inputs.at(-1) ?? '';
  if (inputs.length > 1 && !GLOB.test(last) && !existsSync(last))
    throw badOption(`No such file or folder: ${printable(last)}. Did you mean -o ${printable(last)}?`);
  throw badOption('Pass --output <folder>, --suffix <text> or --in-place for the results');
}

const FORMATS: readonly TargetFormat[] = ['png', 'jpeg', 'webp', 'tiff'];

const formatOf = (path: string) => FORMATS.find((format) => withFormatExtension(path, format) === path);

/**
 * `cat.png -o clean.png`: an output with a picture's name is a file, for one picture only. Its name decides the format.
 *
 * @throws  FlowDenoiseError BAD_OPTION for several pictures, for --suffix or another --format with a file, and for the name of
 *          an AVIF or a GIF if the picture is not one
 */
export async function withOutputFile(
  inputs: readonly string[],
  destination: Destination,
  isPreview: boolean,
): Promise<Destination> {
  const { output, suffix, format: asked } = destination;
  if (output === undefined || inputs.includes(STANDARD) || !(await isFileName(output))) return destination;
  const [input = ''] = inputs;
  const only = await stat(input).catch(() => undefined);
  const name = printable(output);
  if (inputs.length > 1 || only?.isDirectory() || (only === undefined && GLOB.test(input)))
    throw badOption(`Expected a folder for --output of several pictures but received the file name ${name}`);
  if (suffix !== undefined)
    throw badOption(`Pass the whole file name as --output ${name}, or a folder and --suffix, not both`);
  const named = formatOf(output);
  if (isPreview && named !== 'png')
    throw badOption(`Expected a name that ends in .png for --output beside --preview but received ${name}`);
  if (asked !== undefined && asked !== named)
    throw badOption(`Expected --output with an extension of --format ${asked} but received ${name}`);
  // It is undefined for AVIF and GIF. A file that is no picture is refused when it is read.
  const found = named === undefined ? await formatOfFile(input) : undefined;
  if (found !== undefined && withFormatExtension(output, found) !== output)
    throw badOption(
      `Expected a name that ends in .png, .jpg, .webp or .tif for --output but received ${name}: the format of ` +
        `${printable(input)} is ${found}, and no picture can be converted to ${extname(output)}`,
    );
  return { ...destination, format: named, file: output };
}

async function isFileName(output: string): Promise<boolean> {
  if (output === STANDARD || /[/\\]$/.test(output) || !isSupportedExtension(output)) return false;
  return !(await stat(output).catch(() => undefined))?.isDirectory();
}

/** The output path of `input`, which was found at `below` under the user's argument. */
export function outputOf(input: string, below: string, destination: Destination): string {
  const { output, file, suffix = '', inPlace = false, format } = destination;
  if (inPlace) return input;
  if (file !== undefined) return file;
  const path = output === undefined ? input : join(output, below);
  const extension = extname(path);
  const suffixed = join(dirname(path), `${basename(path, extension)}${suffix}${extension}`);
  return format === undefined ? suffixed : withFormatExtension(suffixed, format);
}

/**
 * Refuses a file that exists and is something else than what would replace it.
 *
 * @param isOurs  returns something false, or rejects, if the file has other content
 * @throws        FlowDenoiseError BAD_OPTION
 */
export async function refuseOther(
  path: string | undefined,
  what: string,
  isOurs: (path: string) => Promise<unknown>,
): Promise<void> {
  if (path === undefined || !existsSync(path) || (await isOurs(path).catch(() => false))) return;
  throw badOption(`${printable(path)}: already exists and is not ${what}; move it away, or pass --overwrite`);
}
