// Where results go: beside the original, into a folder, in its place. The flags for it, which of them go together,
// and the path that each gives. Writes nothing.
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { type PictureFormat, withFormatExtension } from '../../image/index.js';

/** Checked: one of `output`, `suffix` and `inPlace` is there. */
export interface Destination {
  /** The folder that is written to; '-' is standard output. */
  readonly output?: string | undefined;
  /** The one file that is written, where `output` names it (output-file.ts). */
  readonly file?: string | undefined;
  /** Put before the extension; without `output` the result lies beside its original. */
  readonly suffix?: string | undefined;
  /** The result takes the original's place. */
  readonly inPlace?: boolean | undefined;
  /** Added to the name under which the original is kept, in place. */
  readonly backup?: string | undefined;
  /** Whether a file that lies where a result should go is replaced; else that picture is left out. */
  readonly overwrite?: boolean | undefined;
  /** Given, its extension is the result's. */
  readonly format?: PictureFormat | undefined;
}

/** One picture to denoise: two paths, as the user would write them. */
export interface Job {
  readonly input: string;
  readonly output: string;
  /** In place: hard links to the file that are not among the inputs. */
  readonly otherNames?: number;
  /** In place: why it is not replaced. */
  readonly refusal?: FlowDenoiseError;
}

/** A picture with where it was found: `below` is its path inside `base`. */
export interface FoundPicture {
  readonly job: Job;
  readonly base: string;
  readonly below: string;
}

/** Standard input or output, on the command line. */
export const STANDARD = '-';

const DEFAULT_BACKUP = '.orig';

const namePart = z.string().regex(/^[^/\\\0]+$/);

export const destinationShape = {
  output: z.string().min(1).optional().describe('a folder, or - for standard output,'),
  suffix: namePart.optional().describe('a part of a file name'),
  inPlace: z.boolean().optional().describe('true or false'),
  backup: z
    .union([z.boolean(), namePart])
    .optional()
    .transform((backup) => (backup === true ? DEFAULT_BACKUP : backup || undefined))
    .describe('true, false or a part of a file name'),
  overwrite: z.boolean().optional().describe('true or false'),
};

export function addDestinationOptions(command: Command): Command {
  return command
    .option(
      '-o, --output <folder>',
      'where the pictures are written; a file, as clean.png, or - (stdout) for one picture',
    )
    .option('--suffix <text>', 'put before the extension; without --output, beside the original')
    .option('--overwrite', 'replace what is there already (default: it is left, and not computed)')
    .option('--in-place', 'replace the originals, each whole or not at all')
    .option('--backup [suffix]', 'with --in-place: keep originals as a.jpg.orig (default: .orig)');
}

/** @throws FlowDenoiseError BAD_OPTION where the flags contradict each other or say nothing */
export function checkDestination(inputs: readonly string[], destination: Destination): void {
  const { output, suffix, inPlace = false, backup, overwrite = false, format } = destination;
  const given = { '--output': output, '--suffix': suffix, '--format': format, '--overwrite': overwrite };
  const named = Object.entries(given).flatMap(([flag, value]) => (value ? flag : []));
  if (inPlace && named.length > 0) {
    throw refused(
      `--in-place without ${named.join(' and ')}: it writes each picture where it lies, as it is named`,
    );
  }
  if (backup !== undefined && !inPlace)
    throw refused('--backup only beside --in-place: nothing else replaces an original');
  if (inputs.includes(STANDARD) || inPlace || output !== undefined || suffix !== undefined) return;
  const last = inputs.at(-1) ?? '';
  if (inputs.length > 1 && !/[*?[\]{}]/.test(last) && !existsSync(last))
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `No such file or folder: ${printable(last)}. Did you mean -o ${printable(last)}?`,
    );
  throw refused('--output <folder>, --suffix <text> or --in-place: where do the results go?');
}

/** Where the picture `input` goes, found at `below` under what the user named. */
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

function refused(expected: string): FlowDenoiseError {
  return new FlowDenoiseError('BAD_OPTION', `Expected ${expected}`);
}
