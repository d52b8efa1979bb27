// Runs the fenced blocks of a document, in a project of their own that has the built package, gulp, sharp and small
// pictures under the names that the documents use. A block after `<!-- not run: reason -->` is checked only.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { command } from '../cli/command.js';
import { fixtureFolder } from '../core/fixture.js';
import { noisyPicture } from '../plugin/pictures.js';
import { document, root } from './documents.js';

export interface Snippet {
  readonly language: string;
  readonly text: string;
  /** Of its first line in the document. */
  readonly line: number;
  /** Why it is checked only. */
  readonly notRun: string | undefined;
  /** The file that it is, by its first line. */
  readonly file: string | undefined;
}

/** A snippet that the general rule does not fit, by its file or its language. */
export type OwnRun = (snippet: Snippet, project: string) => Promise<void>;

const RUNS: Readonly<Record<string, OwnRun>> = {
  sh: (snippet, project) => inShell(snippet.text, project),
  js: runModule,
  ts: runModule,
  json: async ({ text }) => JSON.parse(text),
};
/** What no test can run, but whose commands are checked. */
const CHECKED = ['ini', 'dockerfile'];

/** The fenced blocks of a document, in order. */
export function snippetsOf(path: string): Snippet[] {
  const lines = document(path).split('\n');
  const snippets: Snippet[] = [];
  for (let start = 0; start < lines.length; start++) {
    const language = /^```(.*)$/.exec(lines[start] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', start + 1);
    if (end === -1) throw new Error(`${path}:${start + 1}: a block without an end`);
    const before = lines.slice(0, start).findLast((line) => line !== '') ?? '';
    const text = `${lines.slice(start + 1, end).join('\n')}\n`;
    snippets.push({
      language,
      text,
      line: start + 2,
      notRun: /^<!-- not run: (.+) -->$/.exec(before)?.[1],
      file: /^\/\/ (\S+)\n/.exec(text)?.[1],
    });
    start = end;
  }
  return snippets;
}

/**
 * A test for each block of a document, in their order and in one project.
 *
 * @param own    by file or language: how these are run
 * @param prior  what the command takes by itself; the small fixture prior where the document shows something else
 */
export function snippetTests(
  path: string,
  {
    own = {},
    prior = fixtureFolder('conditioned'),
  }: { readonly own?: Readonly<Record<string, OwnRun>>; readonly prior?: string } = {},
): void {
  const test = suite<{ project: string }>(`snippets of ${path}`, { project: '' });
  test.before(async (context) => {
    context.project = await openProject(prior);
  });
  test.after(({ project }) => rm(project, { recursive: true }));

  const used = new Set<string>();
  for (const snippet of snippetsOf(path)) {
    const { language, text, line, notRun, file } = snippet;
    if (language === '') continue;
    const name = [file, language].find((key) => key !== undefined && key in own);
    if (name !== undefined) used.add(name);
    test(`${path}:${line}${file ? ` ${file}` : ''}`, async ({ project }) => {
      if (notRun !== undefined || CHECKED.includes(language)) return checkOnly(snippet, project);
      const run = (name === undefined ? undefined : own[name]) ?? RUNS[language];
      assert.ok(run, `nothing runs ${language}:\n${text}`);
      await run(snippet, project);
    });
  }
  test('every exception is used', () => assert.equal([...used].sort(), Object.keys(own).sort()));
  test.run();
}

async function openProject(prior: string): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'flow-denoise-snippets-'));
  const modules = join(project, 'node_modules');
  const bin = join(modules, '.bin');
  for (const folder of ['photos/below', 'incoming', 'iso6400', 'scans', 'my-prior', 'node_modules/.bin'])
    await mkdir(join(project, folder), { recursive: true });
  await symlink(root, join(modules, 'flow-denoise'), 'junction');
  for (const name of ['gulp', 'sharp', '@types'])
    await symlink(`${root}node_modules/${name}`, join(modules, name), 'junction');
  await symlink(`${root}node_modules/gulp/bin/gulp.js`, join(bin, 'gulp'));
  // npm would make this file executable when it installs the package.
  await writeFile(
    join(bin, 'flow-denoise'),
    `#!/bin/sh\nexec "${process.execPath}" "${root}dist/cli/main.js" "$@"\n`,
  );
  await chmod(join(bin, 'flow-denoise'), 0o755);
  const fixture = fixtureFolder('conditioned');
  for (const name of await readdir(fixture))
    await copyFile(join(fixture, name), join(project, 'my-prior', name));
  const pictures = {
    'noisy.png': await noisyPicture('png'),
    'photo.jpg': await noisyPicture('jpeg', { width: 288, height: 264, seed: 2 }),
    'scope.tif': await noisyPicture('tiff'),
    'photos/a.png': await noisyPicture('png', { seed: 3 }),
    'photos/below/b.jpg': await noisyPicture('jpeg', { seed: 4 }),
    'incoming/a.png': await noisyPicture('png', { seed: 6 }),
    'iso6400/1.jpg': await noisyPicture('jpeg', { width: 96, height: 96, seed: 7 }),
    'iso6400/2.jpg': await noisyPicture('jpeg', { width: 96, height: 96, seed: 8 }),
    'scans/a.png': await noisyPicture('png', { seed: 9 }),
  };
  for (const [name, bytes] of Object.entries(pictures)) await writeFile(join(project, name), bytes);
  await writeFile(join(project, 'flow-denoise.config.json'), JSON.stringify({ prior }));
  return project;
}

/** npx finds the project's own commands; npm would fetch, and its lines are checked only. */
const SHELL = 'set -eo pipefail; npx() { "$@"; }; npm() { :; }\n';

/** Runs a program; what it wrote is shown where it fails. */
export async function runProgram(
  file: string,
  args: readonly string[],
  cwd: string,
  { shown = args.join(' ') } = {},
): Promise<string> {
  const path = [join(cwd, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, PATH: path, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  assert.is(code, 0, `${shown}\n${output}`);
  return output;
}

/** A shell block, as it stands; only a watcher is told to end. */
export async function inShell(text: string, project: string): Promise<void> {
  await checkNpm(text);
  const ending = text.replaceAll(/flow-denoise watch (?!.*--once)/g, 'flow-denoise watch --once ');
  await runProgram('bash', ['-c', SHELL + ending], project, { shown: text });
}

export async function writeModule({ text, file }: Snippet, project: string): Promise<string> {
  assert.ok(file, `a program that does not begin with the name of its file:\n${text}`);
  await writeFile(join(project, file), text);
  return file;
}

async function runModule(snippet: Snippet, project: string): Promise<void> {
  const file = await writeModule(snippet, project);
  const loader = snippet.language === 'ts' ? ['--import', `${root}node_modules/tsx/dist/loader.mjs`] : [];
  await runProgram(process.execPath, [...loader, file], project);
}

/** Whether the types of a module are right. */
export async function checkTypes(file: string, project: string): Promise<void> {
  const compilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    // As projects have it: declarations of packages that disagree with each other are not ours.
    skipLibCheck: true,
    strict: true,
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  await runProgram(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', project], project);
}

/** The syntax of a block, and whether the commands in it have the flags that it gives them. */
async function checkOnly(snippet: Snippet, project: string): Promise<void> {
  const { language, text } = snippet;
  if (language === 'js') {
    await runProgram(process.execPath, ['--check', await writeModule(snippet, project)], project);
    return;
  }
  if (language === 'sh') await runProgram('bash', ['-nc', text], project);
  await checkNpm(text);
  const commands = [...text.matchAll(/\bflow-denoise ((?:[a-z]+ )?[^#\n&|>]*)/g)];
  for (const [, words = ''] of commands) await checkFlags(words.trim().split(/\s+/));
}

async function checkNpm(text: string): Promise<void> {
  const { scripts } = JSON.parse(document('package.json')) as { scripts: Record<string, string> };
  for (const [, script = ''] of text.matchAll(/\bnpm run ([\w:-]+)/g))
    assert.ok(script in scripts, `package.json has no script ${script}`);
}

const helps = new Map<string, Promise<string>>();

async function checkFlags(words: readonly string[]): Promise<void> {
  const subcommand = /^[a-z]+$/.test(words[0] ?? '') ? words.slice(0, words[0] === 'engines' ? 2 : 1) : [];
  const key = subcommand.join(' ');
  if (!helps.has(key))
    helps.set(
      key,
      command([...subcommand, '--help']).then(({ stdout }) => stdout),
    );
  const help = (await helps.get(key)) ?? '';
  for (const word of words) {
    const flag = /^--?[a-z][\w-]*/.exec(word)?.[0];
    assert.ok(!flag || new RegExp(`^ +.*${flag}\\b`, 'm').test(help), `flow-denoise ${key} has no ${flag}`);
  }
}

/** Whether there is a file at a path of the project. */
export const isThere = (project: string, path: string): boolean => existsSync(join(project, path));
