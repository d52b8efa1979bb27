// One picture to standard output, from standard input or a file. Nothing else goes to stdout.
import { addAbortSignal } from 'node:stream';
import { promisify } from 'node:util';
import { badOption, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { openRegularFile } from '../../core/files.js';
import { plural } from '../../core/printable.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { collectBytes } from '../../plugin/encoded-picture.js';
import { pictureDenoiser } from '../../plugin/picture-denoiser.js';
import type { CommandArguments } from '../arguments.js';
import { eachPicture, type RunContext } from '../display/progress.js';
import { doneLine } from '../display/report.js';
import { readSigmaMap } from '../noise-flags.js';
import { flagsAmong } from '../option-flags.js';
import { type Job, STANDARD } from './destination.js';

export const NOT_FOR_STDOUT = [
  'timeBudget',
  'json',
  'report',
  'dryRun',
  'suffix',
  'inPlace',
  'overwrite',
] as const;

export function isForStandardOutput({ inputs, destination }: CommandArguments): boolean {
  return inputs.includes(STANDARD) || destination.output === STANDARD;
}

/** Denoises one picture to stdout. Returns how many failed. @throws errors of options and of opening; the signal's reason */
export async function denoiseToStandardOutput(args: CommandArguments, context: RunContext): Promise<number> {
  checkArguments(args);
  const { display, signal } = context;
  const [input = STANDARD] = args.inputs;
  const name = input === STANDARD ? 'standard input' : input;
  const denoiser = await openDenoiser(args.opening);
  try {
    checkSigma(args.noise.sigma, denoiser, { name: '--sigma' });
    const map = await readSigmaMap(args.sigmaMap);
    const { denoise } = pictureDenoiser({ ...args, denoiser });
    const work = async (job: Job) => {
      const source = addAbortSignal(
        signal,
        input === STANDARD ? process.stdin : (await openRegularFile(input)).createReadStream(),
      );
      const original = await collectBytes(source, name, args.file.maxBytes);
      const { bytes, report } = await denoise(original, name, { ...map, signal });
      await writeAll(bytes ?? original);
      display.say(doneLine(job, report, args.noise.strength));
    };
    return await eachPicture([{ input: name, output: 'standard output' }], work, context);
  } finally {
    await denoiser.close();
  }
}

function checkArguments(args: CommandArguments): void {
  const { inputs, destination } = args;
  const { output = STANDARD } = destination;
  const [senseless] = flagsAmong({ ...args, ...destination }, NOT_FOR_STDOUT);
  if (senseless) throw badOption(`Expected no ${senseless} where the picture goes to standard output`);
  if (output !== STANDARD || inputs.length !== 1)
    throw badOption(
      `Expected one picture, and --output - or none, for standard output but received ${output} and ${plural(inputs.length, 'input')} (${inputs.join(', ')})`,
    );
  if (process.stdout.isTTY)
    throw badOption(
      'Expected standard output to be a file or a pipe but it is a terminal; append > clean.png',
    );
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  const write = promisify((done: (error?: Error | null) => void) => process.stdout.write(bytes, done));
  await write().catch((error: unknown) => {
    const why = `standard output: could not be written (${messageOf(error)})`;
    throw new FlowDenoiseError('WRITE_FAILED', why, { cause: error });
  });
}
