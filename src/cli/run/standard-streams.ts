// One picture to standard output, from standard input or a file. Nothing else goes to stdout.
import { addAbortSignal, type Readable } from 'node:stream';
import { badOption, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { openRegularFile } from '../../core/files.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { collectBytes, isOptionFault } from '../../plugin/encoded-picture.js';
import { pictureDenoiser } from '../../plugin/picture-denoiser.js';
import type { CommandArguments } from '../arguments.js';
import type { RunContext } from '../display/progress.js';
import { doneLine, errorLine } from '../display/report.js';
import { readSigmaMap } from '../noise-file.js';
import { STANDARD } from './destination.js';

interface StandardContext extends Omit<RunContext, 'writeLine'> {
  readonly stdin: Readable;
  readonly stdout: NodeJS.WriteStream;
}

/** Whether the picture goes to stdout. */
export function isForStandardOutput({ inputs, destination }: CommandArguments): boolean {
  return inputs.includes(STANDARD) || destination.output === STANDARD;
}

/**
 * Denoises one picture to stdout. Returns how many pictures failed.
 *
 * @throws   FlowDenoiseError BAD_OPTION, and errors of opening the denoiser; the signal's reason when aborted
 */
export async function denoiseToStandardOutput(
  args: CommandArguments,
  { display, stdin, stdout, signal }: StandardContext,
): Promise<number> {
  checkArguments(args, stdout);
  const [input = STANDARD] = args.inputs;
  const name = input === STANDARD ? 'standard input' : input;
  const denoiser = await openDenoiser(args.opening);
  try {
    checkSigma(args.noise.sigma, denoiser, { name: '--sigma' });
    const sigmaMap = args.sigmaMap === undefined ? undefined : await readSigmaMap(args.sigmaMap);
    const { denoise } = pictureDenoiser({ ...args, denoiser });
    try {
      const source = addAbortSignal(
        signal,
        input === STANDARD ? stdin : (await openRegularFile(input)).createReadStream(),
      );
      const original = await collectBytes(source, name, args.file.maxBytes);
      const { bytes, report } = await denoise(original, name, { signal, ...(sigmaMap && { sigmaMap }) });
      await writeAll(stdout, bytes ?? original);
      display.say(doneLine({ input: name, output: 'standard output' }, report, args.noise.strength));
      return 0;
    } catch (error) {
      signal.throwIfAborted();
      if (isOptionFault(error)) throw error;
      display.complain(errorLine(error));
      return 1;
    }
  } finally {
    await denoiser.close();
  }
}

function checkArguments(
  { inputs, destination, json, report, dryRun, timeBudget }: CommandArguments,
  stdout: NodeJS.WriteStream,
) {
  const { output = STANDARD, suffix, inPlace, overwrite } = destination;
  const given = {
    '--time-budget': timeBudget,
    '--json': json,
    '--report': report,
    '--dry-run': dryRun,
    '--suffix': suffix,
    '--in-place': inPlace,
  };
  const senseless = Object.entries({ ...given, '--overwrite': overwrite }).find(([, value]) => value);
  if (senseless) throw badOption(`Expected no ${senseless[0]} where the picture goes to standard output`);
  if (output !== STANDARD)
    throw badOption(
      `Expected --output -, or none, for standard input, which has no name, but received ${output}`,
    );
  if (inputs.length !== 1)
    throw badOption(
      `Expected one picture for standard output but received ${inputs.length} inputs: ${inputs.join(', ')}`,
    );
  if (stdout.isTTY) {
    throw badOption(
      'Expected standard output to be a file or a pipe but it is a terminal; append > clean.png',
    );
  }
}

function writeAll(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (!error) return resolve();
      reject(
        new FlowDenoiseError('WRITE_FAILED', `standard output: could not be written (${messageOf(error)})`, {
          cause: error,
        }),
      );
    });
  });
}
