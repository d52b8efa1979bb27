// `cat.png -o clean.png`: an --output with a picture's name is a file, for one picture only.
import { stat } from 'node:fs/promises';
import { badOption } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { isSupportedExtension, type TargetFormat, withFormatExtension } from '../../image/index.js';
import type { CommandArguments } from '../arguments.js';
import { STANDARD } from './destination.js';

const FORMATS: readonly TargetFormat[] = ['png', 'jpeg', 'webp', 'tiff'];

/**
 * Sets `destination.file` if the output is a file, whose name decides the format.
 *
 * @throws  FlowDenoiseError BAD_OPTION for several pictures, and for --suffix or another --format with a file
 */
export async function withOutputFile<Arguments extends CommandArguments>(
  args: Arguments,
): Promise<Arguments> {
  const { inputs, destination, preview } = args;
  const { output, suffix } = destination;
  if (output === undefined || inputs.includes(STANDARD) || !(await isFileName(output))) return args;
  const [input = ''] = inputs;
  const only = inputs.length === 1 ? await stat(input).catch(() => undefined) : undefined;
  const name = printable(output);
  if (inputs.length > 1 || only?.isDirectory() || (only === undefined && /[*?[\]{}()!]/.test(input)))
    throw badOption(`Expected a folder for --output of several pictures but received the file name ${name}`);
  if (suffix !== undefined)
    throw badOption(`Pass the whole file name as --output ${name}, or a folder and --suffix, not both`);
  const named = formatOf(output);
  if (preview !== undefined && named !== 'png')
    throw badOption(`Expected a name that ends in .png for --output beside --preview but received ${name}`);
  const asked = destination.format ?? args.file.format;
  if (asked !== undefined && asked !== named)
    throw badOption(`Expected --output with an extension of --format ${asked} but received ${name}`);
  const format = asked ?? (named === formatOf(input) ? undefined : named);
  const file = { ...args.file, format };
  return { ...args, file, destination: { ...destination, format, file: output } };
}

async function isFileName(output: string): Promise<boolean> {
  if (output === STANDARD || /[/\\]$/.test(output) || !isSupportedExtension(output)) return false;
  return !(await stat(output).catch(() => undefined))?.isDirectory();
}

function formatOf(path: string): TargetFormat | undefined {
  return FORMATS.find((format) => withFormatExtension(path, format) === path);
}
