// docs/cli.md and the reference beside it: every command in them runs, and makes what it says.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { document, root } from './documents.js';
import { type OwnRun, runProgram, snippetsOf, snippetTests } from './snippets.js';

/** A configuration file: the command takes all that it holds. */
const configuration: OwnRun = async ({ text }, project) => {
  await writeFile(join(project, 'config.json'), text);
  const args = [`${root}dist/cli/main.js`, 'photos', '--config', 'config.json', '--dry-run'];
  const output = await runProgram(process.execPath, args, project);
  for (const [key, value] of Object.entries(JSON.parse(text) as object))
    assert.match(output, `${key} ${value}`);
};

const REFERENCE = ['options', 'formats', 'errors', 'engines', 'training'].map((name) => `docs/${name}.md`);

snippetTests('docs/cli.md', { own: { json: configuration } });
for (const path of REFERENCE) snippetTests(path);

test('every document with snippets has a test of them', () => {
  const tests = globSync('test/**/*.test.ts', { cwd: root }).map(document).join('\n');
  for (const path of ['README.md', ...globSync('docs/*.md', { cwd: root })])
    if (snippetsOf(path).some(({ language }) => language !== ''))
      assert.ok(REFERENCE.includes(path) || tests.includes(`snippetTests('${path}'`), path);
});

test.run();
