// `flow-denoise watch`: its options and the output for its events. src/plugin/watch does the work.
import { addAbortListener } from 'node:events';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { badOption } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { noiseShape } from '../../denoiser/noise/noise-options.js';
import { option } from '../../denoiser/option-schema.js';
import { openingShape } from '../../denoiser/options.js';
import { fileShape } from '../../plugin/stream-options.js';
import type { FolderWatcher } from '../../plugin/watch/folder-watcher.js';
import { POLL_MS, type WatchFolderOptions, watchShape } from '../../plugin/watch/options.js';
import { outputShape } from '../arguments.js';
import { type Display, openDisplay, writeEvents } from '../display/progress.js';
import { doneLine, errorLine } from '../display/report.js';
import { sensorShape, withNoise } from '../noise-flags.js';
import { addFlags, switchOption } from '../option-flags.js';

const EXAMPLES = `
Examples:
  flow-denoise watch incoming -o clean                   runs until it is stopped
  flow-denoise watch incoming -o clean --originals move  originals go to incoming/.done or incoming/.error
  flow-denoise watch incoming -o clean --once            denoises the pictures in the folder, then ends
  flow-denoise watch /mnt/share/in -o clean --poll       a network share

A ledger in the output folder's .flow-denoise lists finished pictures, so a restart goes on where it stopped.
docs/watch-folder.md lists the guarantees. There is no --report, since a watched folder has no end; --json reports every
picture.

Exit codes: 0 all done (--once, --finish), 1 some picture failed (--once), 2 wrong usage, or a folder, the prior or the
engine failed, 130 interrupted (143 terminated).`;

const commandShape = {
  ...watchShape,
  pollInterval: option(z.unknown().optional(), 'a number of milliseconds', {
    does: 'the interval of --poll',
    flag: '<ms>',
    otherwise: String(POLL_MS),
  }),
  finish: switchOption('when stopped, finishes the pictures in work; a second signal ends at once'),
  ...noiseShape,
  ...sensorShape,
  ...openingShape,
  maxPixels: fileShape.maxPixels,
  ...outputShape,
};

export function describeWatch(command: Command, signal: AbortSignal): void {
  command
    .description('denoise every picture that appears in a folder')
    .argument('<input>', 'the folder to watch, at any depth');
  addFlags(command, commandShape)
    // Only `run` has this option. Accepted so that the schema can tell the new name of a preset.
    .addOption(new Option('--quality <word>').hideHelp())
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, raw: Record<string, unknown>) => {
      const { config: _, quiet, json, finish, poll, pollInterval, quality, ...rest } = await withNoise(raw);
      if (rest.output === undefined) throw badOption('Pass --output <folder> for the results');
      // A file of options may hold the encoder's quality, a number, for `run`.
      const renamed = typeof quality === 'string' && { quality };
      const stops = finish !== true && { signal };
      // `watchFolder` checks the values: it has the schema.
      const values: unknown = { ...rest, ...renamed, ...stops, input, poll: pollInterval ?? poll };
      const options = values as WatchFolderOptions;
      const { watchFolder } = await import('../../plugin/watch/folder-watcher.js');
      const watcher = watchFolder(options);
      if (json) writeEvents(watcher, ['ready', 'taken', 'done', 'failed', 'skipped', 'problem', 'idle']);
      sayEvents(watcher, options, openDisplay(quiet === true));
      if (finish) addAbortListener(signal, () => void watcher.close());
      const { failed } = await watcher.finished;
      process.exitCode = failed > 0 && !signal.aborted ? 1 : 0;
    });
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
