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

const EXAMPLES = `
Examples:
  flow-denoise cache                               lists the project's cache
  flow-denoise cache prune --older-than 30d        removes results older than 30 days
  flow-denoise cache prune --max-size 2GB          keeps the newest results, up to 2 GB
  flow-denoise cache clear ./results               removes all results from another folder

Entries never expire. A change of file, option, prior or version makes a new entry; a removed one is computed again.`;

interface PruneFlags {
  readonly olderThan?: string;
  readonly maxSize?: string;
}

/** @param writeLine  writes to stdout */
export function describeCache(command: Command, writeLine: (line: string) => void): void {
  command.description('list and remove the results that --cache keeps').addHelpText('after', EXAMPLES);
  const FOLDER = "the cache's folder (default: node_modules/.cache/flow-denoise)";
  command
    .command('show', { isDefault: true })
    .description('number, size and age of the results')
    .argument('[folder]', FOLDER)
    .option('--json', 'as JSON on stdout')
    .action(async (folder: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const path = resolve(folder ?? defaultCacheFolder());
      const contents = await cacheContents(path);
      if (json) return writeLine(JSON.stringify({ folder: path, ...contents }));
      const { results, bytes, oldest, newest } = contents;
      const since = oldest && newest ? `, kept from ${day(oldest)} to ${day(newest)}` : '';
      writeLine(`${path}: ${plural(results, 'result')}, ${megabytes(bytes)}${since}`);
    });
  command
    .command('prune')
    .description('remove results by age or size')
    .argument('[folder]', FOLDER)
    .option('--older-than <time>', 'removes results older than this, such as 12h or 30d')
    .option('--max-size <size>', 'keeps the newest results up to this size, such as 500MB or 2GB')
    .action(async (folder: string | undefined, flags: PruneFlags) => remove(folder, pruneOptions(flags)));
  command
    .command('clear')
    .description('remove all results')
    .argument('[folder]', FOLDER)
    .action((folder: string | undefined) => remove(folder, {}));

  async function remove(folder: string | undefined, options: PruneOptions): Promise<void> {
    const path = resolve(folder ?? defaultCacheFolder());
    const { results, bytes } = await pruneCache(path, options);
    writeLine(`${path}: removed ${plural(results, 'result')}, ${megabytes(bytes)}`);
  }
}

const HOURS: Readonly<Record<string, number>> = { h: 1, d: 24, w: 168 };
const BYTES: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 };

function pruneOptions({ olderThan, maxSize }: PruneFlags): PruneOptions {
  if (olderThan === undefined && maxSize === undefined)
    throw badOption('Expected --older-than or --max-size; cache clear removes all');
  const hours =
    olderThan === undefined ? undefined : amount('--older-than', olderThan, HOURS, '12h, 30d or 4w');
  return {
    since: hours === undefined ? undefined : new Date(Date.now() - hours * 3600_000),
    maxBytes: maxSize === undefined ? undefined : amount('--max-size', maxSize, BYTES, '500MB or 2GB'),
  };
}

function amount(flag: string, text: string, units: Readonly<Record<string, number>>, such: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text) ?? [];
  const scale = units[unit];
  if (number !== undefined && scale !== undefined) return Number(number) * scale;
  throw badOption(`Expected ${such} for ${flag} but received '${text}'`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
