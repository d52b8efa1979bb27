// Options from `flow-denoise.config.json`, `.js`, `.mjs` or `.ts` in the working folder or one above. Flags win. Values are
// checked together with the flags.
import { existsSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { lilconfig } from 'lilconfig';
import { z } from 'zod';
import { badOption, codeOf, FlowDenoiseError, messageOf } from '../core/errors.js';
import { refuseSpecialFile } from '../core/files.js';
import { AUTO_PRIOR, shippedPriors } from '../core/model/find-prior.js';
import { defined, option } from '../denoiser/option-schema.js';
import { APPROACH_NAMES } from '../denoiser/preset.js';
import { EXCLUSIVE } from './arguments.js';
import { say } from './display/progress.js';
import { isProfilePath } from './noise-flags.js';
import { switchOption } from './option-flags.js';
import { STANDARD } from './run/destination.js';
import { NOT_FOR_STDOUT } from './run/standard-streams.js';

/** Options that are paths, relative to the file's folder. */
const PATHS: readonly string[] = ['output', 'sigmaMap', 'cache', 'report'];

/** Claims (`claimOf`) with those that exclude them. The file's output and suffix are one destination, so a flag replaces both. */
const CONTRARY: readonly (readonly [string, readonly string[], ...unknown[]])[] = [
  ...EXCLUSIVE,
  ['output', ['suffix']],
  ['stdout', ['output', 'preview', ...NOT_FOR_STDOUT]],
  ['preset', [...APPROACH_NAMES, 'beta']],
  ['profile', ['sigma', 'gain']],
  ['sigmaMap', ['sigma', 'gain', 'profile', 'poisson-gaussian']],
  ['gain', ['auto', 'gaussian']],
];

const FILE_NAMES = ['json', 'js', 'mjs', 'ts'].map((extension) => `flow-denoise.config.${extension}`);

export const configShape = {
  config: option(z.string().optional(), 'the path of a file', {
    does: 'takes options from this file',
    flag: '<file>',
    otherwise: 'flow-denoise.config.{json,js,mjs,ts}, in this folder or one above',
    see: '[Configuration file](cli.md#configuration-file)',
  }),
  noConfig: switchOption('takes options from no file'),
};

/**
 * Fills in options that the command line leaves open, and says which. Ignores those of other `commands` that take a file.
 *
 * @throws  FlowDenoiseError BAD_OPTION for a file that cannot be read, or an option that no command has
 */
export async function applyConfig(command: Command, commands: readonly Command[]): Promise<void> {
  const named: unknown = command.getOptionValue('config');
  if (named === false) return;
  const found = await findConfig(typeof named === 'string' ? named : undefined);
  if (!found) return;
  const { path, options } = found;
  const own = optionNames(command);
  const all = new Set(commands.flatMap(optionNames));
  const unknown = Object.keys(options).filter((key) => !all.has(key));
  if (unknown.length > 0) {
    const guesses = unknown.map((key) => guessOf(key, all));
    const expected = guesses.every((guess) => guess !== '')
      ? 'options by their names'
      : `the options ${[...all].sort().join(', ')}`;
    throw refused(
      path,
      `expected ${expected} but found ${unknown.map((key, i) => key + guesses[i]).join(', ')}`,
    );
  }
  const isTyped = (key: string) => command.getOptionValueSource(key) === 'cli';
  const typed = own.filter(isTyped).map((key) => claimOf(key, command.getOptionValue(key)));
  if (command.args.includes(STANDARD)) typed.push('stdout');
  const contrary = CONTRARY.flatMap(([one, others]) => [
    ...(typed.includes(one) ? others : []),
    ...(others.some((other) => typed.includes(other)) ? [one] : []),
  ]);
  const used = Object.entries(options).filter(
    ([key, value]) => own.includes(key) && !isTyped(key) && !contrary.includes(claimOf(key, value)),
  );
  for (const [key, value] of used)
    command.setOptionValueWithSource(key, fromFile(key, value, path), 'config');
  const isQuiet = command.getOptionValue('quiet') === true;
  if (used.length > 0 && !isQuiet)
    say(`options from ${relative('', path)}: ${used.map(([key, value]) => words(key, value)).join(', ')}`);
}

/** What an option says for `CONTRARY`: its name, or a word for its value; '' if it excludes nothing. */
function claimOf(key: string, value: unknown): string {
  if (value === false || (value === 'auto' && ['sigma', 'beta'].includes(key))) return '';
  if (key === 'output' && value === STANDARD) return 'stdout';
  if (key === 'noise') return isProfilePath(value) || typeof value === 'object' ? 'profile' : String(value);
  return { backup: 'inPlace', offset: 'gain' }[key] ?? key;
}

/** " (did you mean sigmaMap?)", as commander suggests flags; empty if no name is like the key. */
function guessOf(key: string, names: Iterable<string>): string {
  const parser = new Command()
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const name of names) parser.option(`--${name}`);
  try {
    parser.parse([`--${key}`], { from: 'user' });
    return '';
  } catch (error) {
    const [, names] = /\(Did you mean (?:one of )?(.*)\?\)/.exec(messageOf(error)) ?? [];
    return names === undefined ? '' : ` (did you mean ${names.replaceAll('--', '')}?)`;
  }
}

async function findConfig(named: string | undefined) {
  const loaders = { '.json': load, '.ts': load, '.mjs': load, '.js': load };
  const search = lilconfig('flow-denoise', { searchPlaces: FILE_NAMES, loaders, stopDir: resolve('/') });
  if (named !== undefined)
    await refuseSpecialFile(named).catch((error: unknown) => {
      throw error instanceof FlowDenoiseError ? error : refused(named, unread(error), error);
    });
  const result = await (named === undefined ? search.search() : search.load(resolve(named)));
  if (!result) return undefined;
  const { filepath: path, config } = result as { readonly filepath: string; readonly config: unknown };
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw refused(path, 'expected an object of options, in a module as its default export');
  return { path, options: defined(config) };
}

const unread = (error: unknown) => `cannot be read (${messageOf(error)})`;

/** lilconfig's own errors do not name the file. */
async function load(path: string, content: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(content);
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    if (codeOf(error) !== 'ERR_UNKNOWN_FILE_EXTENSION') throw refused(path, unread(error), error);
    throw refused(
      path,
      `Node ${process.version} does not read TypeScript; use Node 22.18 or later, or name it flow-denoise.config.mjs`,
    );
  }
}

function optionNames(command: Command): string[] {
  return command.options.map((option) => option.attributeName()).filter((name) => name !== 'config');
}

function fromFile(key: string, value: unknown, path: string): unknown {
  if (typeof value !== 'string' || value === STANDARD) return value;
  const there = resolve(dirname(path), value);
  const isPath =
    PATHS.includes(key) ||
    (key === 'prior' &&
      (/[/\\]|^\.{1,2}$/.test(value) || (!isNamedPrior(value) && existsSync(join(there, 'model.json'))))) ||
    (key === 'noise' && isProfilePath(value));
  if (!isPath) return value;
  const here = relative('', there) || '.';
  return key === 'prior' && isNamedPrior(here) ? `./${here}` : here;
}

const isNamedPrior = (value: string) => value === AUTO_PRIOR || shippedPriors().includes(value);

function words(key: string, value: unknown): string {
  return `${key} ${typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value)}`;
}

function refused(path: string, what: string, cause?: unknown): FlowDenoiseError {
  const shown = extname(path) === '' ? path : relative('', path) || path;
  return badOption(`${shown}: ${what}`, cause);
}
