// Options from `flow-denoise.config.json`, `.js`, `.mjs` or `.ts` in the working folder or one above. Flags win. Values are
// checked together with the flags.
import { dirname, extname, relative, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { lilconfig } from 'lilconfig';
import { z } from 'zod';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { refuseSpecialFile } from '../core/files.js';
import { defined, option } from '../denoiser/option-schema.js';
import { isProfilePath } from './noise-file.js';

/** Options that are paths, relative to the file's folder. */
const PATHS: readonly string[] = ['output', 'sigmaMap', 'cache', 'report'];

/** If one of these is a flag, the file's others are ignored: they describe another destination. */
const DESTINATIONS: readonly string[] = ['output', 'suffix', 'inPlace', 'backup'];

const FILE_NAMES = ['json', 'js', 'mjs', 'ts'].map((extension) => `flow-denoise.config.${extension}`);

const FLAGS_OF_CONFIG: readonly string[] = ['config'];

export const configShape = {
  config: option(z.string().optional(), 'the path of a file', {
    does: 'takes options from this file',
    flag: '<file>',
    otherwise: 'flow-denoise.config.{json,js,mjs,ts}, in this folder or one above',
    see: '[Configuration file](cli.md#configuration-file)',
  }),
  noConfig: option(z.boolean().optional(), 'true or false', { does: 'takes options from no file', flag: '' }),
};

/**
 * Fills in options that the command line leaves open.
 *
 * @param command   the named command, with its flags parsed
 * @param commands  all commands that take a file; an option of another command is ignored
 * @param say       called with the file and the options it set
 * @throws          FlowDenoiseError BAD_OPTION for a file that cannot be read, or an option that no command has
 */
export async function applyConfig(
  command: Command,
  commands: readonly Command[],
  say: (line: string) => void,
): Promise<void> {
  const named: unknown = command.getOptionValue('config');
  if (named === false) return;
  const found = await findConfig(typeof named === 'string' ? named : undefined);
  if (!found) return;
  const path = found.path;
  const options = defined(found.options);
  const own = optionNames(command);
  const all = new Set(commands.flatMap(optionNames));
  const unknown = Object.keys(options).filter((key) => !all.has(key));
  if (unknown.length > 0) {
    const guesses = unknown.map((key) => ({ key, meant: nearest(key, all) }));
    const found = guesses.map(({ key, meant }) =>
      meant === undefined ? key : `${key} (did you mean ${meant}?)`,
    );
    const isGuessed = guesses.every(({ meant }) => meant !== undefined);
    const names = isGuessed ? 'options by their names' : `the options ${[...all].sort().join(', ')}`;
    throw refused(path, `expected ${names} but found ${found.join(', ')}`);
  }
  const isTyped = (key: string) => command.getOptionValueSource(key) === 'cli';
  const saysWhere = DESTINATIONS.some(isTyped) || command.args.includes('-');
  const used = Object.entries(options).filter(
    ([key]) => own.includes(key) && !isTyped(key) && !(saysWhere && DESTINATIONS.includes(key)),
  );
  for (const [key, value] of used)
    command.setOptionValueWithSource(key, fromFile(key, value, path), 'config');
  const isQuiet = command.getOptionValue('quiet') === true;
  if (used.length > 0 && !isQuiet)
    say(`options from ${relative('', path)}: ${used.map(([key, value]) => words(key, value)).join(', ')}`);
}

/** The name with the fewest edits from the key, if there are few. */
function nearest(key: string, names: Iterable<string>): string | undefined {
  const mostEdits = Math.max(1, Math.floor(key.length / 3));
  const plain = (name: string) => name.toLowerCase().replaceAll(/[-_]/g, '');
  const edits = [...names].map((name) => [name, editsBetween(plain(key), plain(name))] as const);
  const [best] = edits.filter(([, count]) => count <= mostEdits).sort(([, a], [, b]) => a - b);
  return best?.[0];
}

/** Levenshtein's distance: letters to insert, delete or change. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

interface Found {
  readonly path: string;
  readonly options: Readonly<Record<string, unknown>>;
}

async function findConfig(named: string | undefined): Promise<Found | undefined> {
  const loaders = { '.json': readJson, '.ts': loadTypeScript, '.mjs': loadModule, '.js': loadModule };
  const search = lilconfig('flow-denoise', { searchPlaces: FILE_NAMES, loaders, stopDir: resolve('/') });
  const load = async (path: string) => {
    await refuseSpecialFile(path);
    return search.load(resolve(path));
  };
  const result = await (named === undefined ? search.search() : load(named)).catch((error: unknown) => {
    if (error instanceof FlowDenoiseError) throw error;
    const { path = FILE_NAMES[0] ?? '' } = error as NodeJS.ErrnoException;
    throw refused(named ?? path, `cannot be read (${messageOf(error)})`, error);
  });
  if (!result) return undefined;
  const options: unknown = result.config;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refused(result.filepath, 'expected an object of options, in a module as its default export');
  }
  return { path: result.filepath, options: options as Found['options'] };
}

/** lilconfig's errors do not name the file. */
function readJson(path: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    throw refused(path, `cannot be read (${messageOf(error)})`, error);
  }
}

async function loadModule(path: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw refused(path, `cannot be loaded (${messageOf(error)})`, error);
  }
}

/** Node strips types since 22.18 and 23.6; so does a loader such as tsx. */
function loadTypeScript(path: string): Promise<unknown> {
  const { typescript } = process.features as { readonly typescript?: unknown };
  const hasLoader = process.execArgv.some((flag) => /tsx|ts-node|strip-types/.test(flag));
  if (typescript || hasLoader) return loadModule(path);
  throw refused(
    path,
    `Node ${process.version} does not read TypeScript; use Node 22.18 or later, or name it flow-denoise.config.mjs`,
  );
}

function optionNames(command: Command): string[] {
  const names = command.options.map((option) => option.attributeName());
  return [...new Set(names)].filter((name) => !FLAGS_OF_CONFIG.includes(name));
}

function fromFile(key: string, value: unknown, path: string): unknown {
  if (typeof value !== 'string' || value === '-') return value;
  const isPath =
    PATHS.includes(key) ||
    (key === 'prior' && /^\.{1,2}([/\\]|$)/.test(value)) ||
    (key === 'noise' && isProfilePath(value));
  return isPath ? relative('', resolve(dirname(path), value)) || '.' : value;
}

function words(key: string, value: unknown): string {
  return `${key} ${typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value)}`;
}

function refused(path: string, what: string, cause?: unknown): FlowDenoiseError {
  const shown = extname(path) === '' ? path : relative('', path) || path;
  return badOption(`${shown}: ${what}`, cause);
}
