// docs/evaluation.md names exactly the flags that `flow-denoise evaluate` has, and its program runs as it stands.
import { execFile } from 'node:child_process';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, filesBelow } from '../cli/command.js';
import { fixtureFolder } from '../core/fixture.js';
import { withCleanFolder } from '../evaluate/folder.js';
import { codeBlocks, codeOf, document, root } from './documents.js';
import { snippetTests } from './snippets.js';

const text = document('docs/evaluation.md');

test('flags of evaluate', async () => {
  const { stdout } = await command(['evaluate', '--help']);
  const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
  const documented = [...text.matchAll(/^\| (`--[\w-]+`) \|/gm)].map(([, cell]) => codeOf(cell));
  assert.ok(documented.length > 15);
  assert.equal(documented.sort(), flags.filter((flag) => flag !== '--help').sort());
  assert.ok(
    stdout.split('\n').every((line) => line.length <= 120),
    'lines fit a terminal',
  );
});

test('the program', () =>
  withCleanFolder(async (cwd, folder) => {
    await mkdir(join(cwd, 'node_modules'));
    await symlink(root, join(cwd, 'node_modules', 'flow-denoise'), 'junction');
    await rename(folder, join(cwd, 'photos'));
    await symlink(fixtureFolder('conditioned'), join(cwd, 'my-prior'), 'junction');
    const [block = ''] = codeBlocks(text, 'js');
    await writeFile(join(cwd, 'evaluate-prior.mjs'), block);
    const { stdout } = await promisify(execFile)(process.execPath, ['evaluate-prior.mjs'], { cwd });
    assert.match(stdout, /18 of 18: /);
    assert.match(stdout, /\n[\d.]+\n$/);
    assert.ok((await filesBelow(join(cwd, 'evaluation'))).includes('results.html'));
  }));

// The program is run above, and its result looked at.
snippetTests('docs/evaluation.md', { own: { js: async () => {} } });

test.run();
