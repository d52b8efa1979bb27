// Turns the command's arguments into pairs of input and output files. Refuses what would lose a picture.

import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { badOption } from '../../core/errors.js';
import { fileId, filesBelow, isBelow, refuseSpecialFile } from '../../core/files.js';
import { printable } from '../../core/printable.js';
import { isSupportedExtension, supportedExtensions } from '../../image/index.js';
import { type Destination, type FoundPicture, type Job, outputOf } from './destination.js';
import { keyOf, originalsOf } from './in-place.js';

/**
 * Finds the pictures that the arguments name.
 *
 * A file goes to `output` under its own name; a folder's pictures, at any depth, under their paths inside the folder; a
 * glob's under their paths below its fixed part (as in gulp). An existing file is never taken for a glob, so `a[1].png` needs
 * no quoting. Pictures in an output folder inside an input folder are left out, and so are results by their suffix. In place,
 * see in-place.ts.
 *
 * @param onUnreadable  as of `filesBelow`
 * @returns             jobs, sorted by input; notes for the user: arguments without a picture, and pictures that are left out
 * @throws              FlowDenoiseError BAD_OPTION if something does not exist, nothing was found, an output would replace
 *                      an input, or two inputs have one output
 */
export async function findInputs(
  args: readonly string[],
  destination: Destination,
  onUnreadable?: (error: Error) => void,
) {
  const found = await Promise.all(args.map((arg) => findOne(arg, destination, onUnreadable)));
  const unmatched = args.filter((_, index) => found[index]?.length === 0);
  const pictures = withoutRepeats(found.flat()).sort((a, b) => (a.job.input < b.job.input ? -1 : 1));
  // With a suffix, a picture with the name of another picture's result is that result.
  const outputs = new Set(pictures.map(({ job }) => resolve(job.output)));
  const isResult = ({ job }: FoundPicture) =>
    destination.suffix !== undefined && outputs.has(resolve(job.input));
  const originals = pictures.filter((each) => !isResult(each));
  const notes = [
    ...unmatched.map((arg) => `no pictures found in ${printable(arg)}`),
    ...pictures.filter(isResult).map(({ job }) => leftOut(job.input, 'result')),
  ];
  if (originals.length === 0)
    throw badOption(`No pictures found in ${args.join(', ')}; looked for ${supportedExtensions.join(' ')}`);
  if (destination.inPlace) {
    const { jobs, backups } = await originalsOf(originals, destination.backup);
    return { jobs, notes: [...notes, ...backups.map((path) => leftOut(path, 'backup'))] };
  }
  const jobs = originals.map(({ job }) => job);
  refuseSharedOutputs(jobs);
  await refuseOverwrittenInputs(jobs);
  return { jobs, notes };
}

const leftOut = (path: string, what: string) =>
  `${printable(path)}  left out: it is the ${what} of another picture`;

async function findOne(
  arg: string,
  destination: Destination,
  onUnreadable?: (error: Error) => void,
): Promise<FoundPicture[]> {
  const status = await stat(arg).catch(() => undefined);
  if (status?.isDirectory()) return jobsBelow(arg, await filesBelow(arg, onUnreadable), destination);
  if (status !== undefined) {
    await refuseSpecialFile(arg, { name: printable(arg) });
    const job = { input: arg, output: outputOf(arg, basename(arg), destination) };
    return [{ job, base: dirname(arg), below: basename(arg) }];
  }

  const pattern = process.platform === 'win32' ? arg.replaceAll('\\', '/') : arg;
  if (!isDynamicPattern(pattern)) throw badOption(`No such file or folder: ${arg}`);
  const parts = pattern.split('/');
  const fixed = parts.findIndex((part) => isDynamicPattern(part));
  const base = parts.slice(0, fixed).join('/') || (pattern.startsWith('/') ? '/' : '.');
  const matches = await glob(parts.slice(fixed).join('/'), { cwd: base, expandDirectories: false });
  return jobsBelow(base, matches, destination);
}

/** The pictures among files below `base`, each with its path below it, which it keeps in the output folder. */
function jobsBelow(base: string, files: readonly string[], destination: Destination): FoundPicture[] {
  const { output } = destination;
  const ownFolder = output !== undefined && isBelow(output, base) ? output : undefined;
  return files
    .filter((path) => isSupportedExtension(path))
    .map((below) => {
      const input = join(base, below);
      return { job: { input, output: outputOf(input, below, destination) }, base, below };
    })
    .filter(({ job }) => ownFolder === undefined || !isBelow(job.input, ownFolder));
}

/** A picture may be named by itself and by its folder. */
function withoutRepeats(found: readonly FoundPicture[]): FoundPicture[] {
  const seen = new Set<string>();
  return found.filter(({ job: { input, output } }) => {
    const key = `${resolve(input)}\0${resolve(output)}`;
    return seen.size < seen.add(key).size;
  });
}

function refuseSharedOutputs(jobs: readonly Job[]): void {
  const writers = new Map<string, Job>();
  for (const job of jobs) {
    const key = keyOf(resolve(job.output));
    const other = writers.get(key);
    if (other !== undefined)
      throw badOption(
        `${other.input} and ${job.input} would both be written to ${job.output}; denoise them in two runs ` +
          'with outputs of their own, or name the folder above them, whose tree is then kept',
      );
    writers.set(key, job);
  }
}

/** Compares device and inode, since links and letter case give one file several names. */
async function refuseOverwrittenInputs(jobs: readonly Job[]): Promise<void> {
  const inputs = new Map<string, string>();
  for (const { input } of jobs) {
    const file = await fileId(input);
    if (file !== undefined) inputs.set(file.id, input);
  }
  for (const { output } of jobs) {
    const file = await fileId(output);
    const input = file && inputs.get(file.id);
    if (input !== undefined)
      throw badOption(
        `Writing ${output} would replace the input ${input}; choose another folder for --output, or --in-place if that is meant`,
      );
  }
}
