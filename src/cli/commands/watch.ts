// `flow-denoise watch`: its options, and the words and lines in which its events are told. What it does is
// src/plugin/watch.
import type { Command } from 'commander';
import { FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import type { FolderWatcher } from '../../plugin/index.js';
import { type WatchFolderOptions, watchFolder } from '../../plugin/index.js';
import { addDenoisingOptions, addNoiseOptions, numberOption, withSensor } from '../arguments.js';
import type { Display, RunContext } from '../display/progress.js';
import { doneLine, errorJson, errorLine } from '../display/report.js';
import { withNoiseProfile } from '../noise-file.js';

export interface WatchArguments {
  readonly options: WatchFolderOptions;
  /** Whether a signal lets the pictures in work be finished. */
  readonly finish: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  flow-denoise watch incoming -o clean                   until it is stopped
  flow-denoise watch incoming -o clean --originals move  originals go to incoming/.done or incoming/.error
  flow-denoise watch incoming -o clean --once            what is there, then end
  flow-denoise watch /mnt/share/in -o clean --poll       a network share

What was done is remembered in the output folder's .flow-denoise, so a restart goes on where it was stopped.
docs/watch-folder.md says what is guaranteed. There is no --report: a watched folder has no end at which its page could
be written; --json tells every picture as it is done.

Exit codes: 0 all done (--once, --finish), 1 some picture failed (--once), 2 wrong usage, or a folder, the prior or the
engine failed, 130 interrupted (143 terminated).`;

interface RawOptions extends Record<string, unknown> {
  readonly output?: string;
  readonly gain?: unknown;
  readonly offset?: unknown;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly finish?: boolean;
  readonly poll?: boolean;
  readonly pollInterval?: unknown;
}

/**
 * Gives a command the options of `watch`.
 *
 * @param start  is called with what was typed; `watchFolder` checks it
 */
export function describeWatch(command: Command, start: (args: WatchArguments) => Promise<void>): void {
  command
    .description('denoise every picture that appears in a folder')
    .argument('<input>', 'the folder to watch, at any depth')
    .option('-o, --output <folder>', 'where the pictures are written, in the same tree and format')
    .option('--once', 'end when all that is there is done')
    .option('--originals <what>', 'keep, or move: to .done, or .error with the reason (default: keep)')
    .option(
      '--existing <what>',
      'a file where a result should go: version beside it, or skip (default: version)',
    )
    .addOption(
      numberOption('--settle <ms>', 'how long a file must not change before it is taken (default: 2000)'),
    )
    .addOption(
      numberOption('--patience <ms>', 'how long a file may not decode before it fails (default: 30000)'),
    )
    .option('--poll', 'look again and again instead of waiting for events: for network shares')
    .addOption(numberOption('--poll-interval <ms>', 'how often --poll looks (default: 2000)'))
    .addOption(numberOption('--rescan <ms>', 'how often the whole folder is read again (default: 60000)'))
    .option('--finish', 'when stopped, finish the pictures in work; a second signal ends at once');
  addDenoisingOptions(addNoiseOptions(command))
    .option('--quality <word>', 'fast or balanced (default: balanced)')
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, options: RawOptions) =>
      start(watchArguments(input, await withNoiseProfile(options))),
    );
}

function watchArguments(input: string, raw: RawOptions): WatchArguments {
  const { quiet = false, json = false, finish = false, gain, offset, poll, pollInterval, ...rest } = raw;
  const { config: _, ...values } = rest;
  if (values.output === undefined)
    throw new FlowDenoiseError('BAD_OPTION', 'Expected --output <folder>: where do the results go?');
  const options = {
    ...(gain === undefined && offset === undefined ? values : withSensor(values, gain, offset)),
    input,
    poll: pollInterval ?? poll,
  };
  // What it is, watchFolder says: it has the schema.
  return { options: options as unknown as WatchFolderOptions, finish, quiet, json };
}

/**
 * Watches until it is stopped, or once.
 *
 * @returns  the exit code
 * @throws   what ended it; the signal's reason when aborted
 */
export async function watchCommand(
  { options, finish, json }: WatchArguments,
  { display, writeLine, signal }: RunContext,
): Promise<number> {
  const watcher = watchFolder(finish ? options : { ...options, signal });
  if (json) writeEvents(watcher, writeLine);
  sayEvents(watcher, options, display);
  const stop = () => void watcher.close();
  if (finish) signal.addEventListener('abort', stop, { once: true });
  const { failed } = await watcher.finished;
  return failed > 0 && !signal.aborted ? 1 : 0;
}

/** One line of JSON for every event: `event`, `time`, and what the event tells. */
function writeEvents(watcher: FolderWatcher, writeLine: (line: string) => void): void {
  const write = (event: string, { error, ...rest }: { readonly error?: unknown }) => {
    const told = error === undefined ? {} : { error: errorJson(error) };
    writeLine(JSON.stringify({ event, time: new Date().toISOString(), ...rest, ...told }));
  };
  for (const event of ['ready', 'taken', 'done', 'failed', 'skipped', 'problem', 'idle'] as const)
    watcher.on(event, (told: object) => write(event, told));
}

function sayEvents(
  watcher: FolderWatcher,
  { input, once, strength }: WatchFolderOptions,
  display: Display,
): void {
  watcher
    .on('ready', ({ waiting, known }) => {
      const what = once ? 'reading' : 'watching';
      display.say(`${what} ${printable(input)}: ${waiting} waiting, ${known} done before`);
    })
    .on('done', ({ input, output, report }) => {
      display.say(doneLine({ input, output }, report, strength));
    })
    .on('failed', ({ error, movedTo }) => {
      display.complain(`${errorLine(error)}${movedTo ? ` (moved to ${printable(movedTo)})` : ''}`);
    })
    .on('skipped', ({ input, why }) => display.say(`${printable(input)}  left: ${why}`))
    .on('problem', ({ error, input, retryInMs }) => {
      const where = input === undefined ? '' : ` (${printable(input)})`;
      const when = retryInMs === undefined ? '' : `; trying again in ${retryInMs / 1000} s`;
      display.complain(`${errorLine(error)}${where}${when}`);
    })
    .on('idle', ({ done, failed }) => {
      display.say(`nothing waits: ${done} done${failed === 0 ? '' : `, ${failed} failed`}`);
    });
}
