// `flow-denoise cache`: lists and removes the results that `--cache` keeps.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { badOption } from '../../core/errors.js';
import { plural } from '../../core/printable.js';
import {
  cacheContents,
  defaultCacheFolder,
  type PruneOptions,
  pruneCache,
} from '../../plugin/result-cache.js';
import { writeLine } from '../display/progress.js';
import { addOptions, amountOf } from '../option-flags.js';

const EXAMPLES = `
Examples:
  flow-denoise cache                               lists the project's cache
  flow-denoise cache prune --older-than 30d        removes results older than 30 days
  flow-denoise cache prune --max-size 2GB          keeps the newest results, up to 2 GB
  flow-denoise cache clear ./results               removes all results from another folder

Entries never expire. A change of file, option, prior or version makes a new entry; a removed one is computed again.`;

type PruneFlags = Partial<Record<'olderThan' | 'maxSize', string>>;

export function describeCache(command: Command): void {
  command.description('list and remove the results that --cache keeps').addHelpText('after', EXAMPLES);
  const subcommand = (name: string, description: string, isDefault = false) =>
    command
      .command(name, { isDefault })
      .description(description)
      .argument('[folder]', "the cache's folder (default: node_modules/.cache/flow-denoise)");
  subcommand('show', 'number, size and age of the results', true)
    .option('--json', 'as JSON on stdout')
    .action(async (folder = defaultCacheFolder(), { json = false } = {}) => {
      const path = resolve(folder);
      const contents = await cacheContents(path);
      if (json) return writeLine(JSON.stringify({ folder: path, ...contents }));
      const { results, bytes, oldest, newest } = contents;
      const since = oldest && newest ? `, kept from ${day(oldest)} to ${day(newest)}` : '';
      writeLine(`${path}: ${plural(results, 'result')}, ${megabytes(bytes)}${since}`);
    });
  const prune = subcommand('prune', 'remove results by age or size');
  addOptions(prune, {
    '--older-than <time>': 'removes results older than this, such as 12h or 30d',
    '--max-size <size>': 'keeps the newest results up to this size, such as 500MB or 2GB',
  }).action((folder: string | undefined, flags: PruneFlags) => remove(folder, pruneOptions(flags)));
  subcommand('clear', 'remove all results').action((folder: string | undefined) => remove(folder, {}));
}

async function remove(folder = defaultCacheFolder(), options: PruneOptions = {}): Promise<void> {
  const path = resolve(folder);
  const { results, bytes } = await pruneCache(path, options);
  writeLine(`${path}: removed ${plural(results, 'result')}, ${megabytes(bytes)}`);
}

const HOURS = { h: 1, d: 24, w: 168 };
const BYTES = { kB: 1e3, MB: 1e6, GB: 1e9 };

function pruneOptions({ olderThan, maxSize }: PruneFlags): PruneOptions {
  if (olderThan === undefined && maxSize === undefined)
    throw badOption('Expected --older-than or --max-size; cache clear removes all');
  const hours = olderThan === undefined ? undefined : amountOf(olderThan, HOURS);
  const maxBytes = maxSize === undefined ? undefined : amountOf(maxSize, BYTES);
  if (olderThan !== undefined && hours === undefined)
    throw badOption(`Expected 12h, 30d or 4w for --older-than but received '${olderThan}'`);
  if (maxSize !== undefined && maxBytes === undefined)
    throw badOption(`Expected 500MB or 2GB for --max-size but received '${maxSize}'`);
  return { since: hours === undefined ? undefined : new Date(Date.now() - hours * 3600_000), maxBytes };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
