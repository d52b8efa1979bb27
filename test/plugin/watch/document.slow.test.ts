// docs/watch-folder.md: its table names exactly the options there are, its events all events, its program and lines run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseWatchOptions } from '#src/plugin/watch/options.js';
import { command } from '../../cli/command.js';
import { codeBlocks, codeOf, document, root, section, tableRows } from '../../docs/documents.js';
import { checkTypes, snippetTests } from '../../docs/snippets.js';
import { noisyPicture, withFolder } from '../pictures.js';
import { EVENTS } from './watching.js';

const text = document('docs/watch-folder.md');
const rows = tableRows(section(text, '## Options')).map(([flag, option]) => ({
  flag: codeOf(flag),
  option: codeOf(option),
}));

async function flagsOf(...args: string[]): Promise<string[]> {
  const { stdout } = await command([...args, '--help']);
  return [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag);
}

test('the flags that run has not', async () => {
  const shared = new Set((await flagsOf('run')).filter((flag) => flag !== '--output'));
  assert.equal(
    (await flagsOf('watch')).filter((flag) => !shared.has(flag)).sort(),
    rows.flatMap(({ flag }) => flag ?? []).sort(),
  );
});

test('the options that no other call has', () => {
  let message = '';
  try {
    parseWatchOptions({ input: 'a', output: 'b', unknown: 1 } as never);
  } catch (error) {
    message = String(error);
  }
  const all = /options (.*) for watchFolder/.exec(message)?.[1]?.split(', ') ?? [];
  const others = tableRows(section(document('docs/options.md'), '## All options')).map(([option]) =>
    codeOf(option),
  );
  assert.equal(
    all.filter((option) => !others.includes(option)).sort(),
    rows.flatMap(({ option }) => option ?? []).sort(),
  );
});

test('the events', () => {
  const events = tableRows(section(text, '## Lines and events')).map(([event]) => codeOf(event));
  assert.equal(events, [...EVENTS]);
});

test('the program runs, its types are right, and it ends when it is told to', () =>
  withFolder(async (project) => {
    await mkdir(join(project, 'node_modules'));
    await mkdir(join(project, 'incoming'));
    await symlink(root, join(project, 'node_modules/flow-denoise'), 'junction');
    await symlink(`${root}node_modules/@types`, join(project, 'node_modules/@types'), 'junction');
    await writeFile(join(project, 'incoming/a.png'), await noisyPicture('png'));
    const [block = ''] = codeBlocks(text, 'js');
    const file = /^\/\/ (\S+)\n/.exec(block)?.[1] ?? 'no-name.mjs';
    await writeFile(join(project, file), block);

    const program = spawn(process.execPath, [file], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    program.stdout.setEncoding('utf8').on('data', (words: string) => {
      said += words;
    });
    const ended = once(program, 'close');
    for (let i = 0; i < 1200 && said === ''; i++) await delay(50);
    program.kill('SIGTERM');
    assert.equal(await ended, [0, null]);
    assert.is(said, 'incoming/a.png -> clean/a.png: sigma 25\n');
    await access(join(project, 'incoming/.done/a.png'));

    await checkTypes(file, project);
  }));

// The program is run above.
snippetTests('docs/watch-folder.md', { own: { js: async () => {} } });

test.run();
