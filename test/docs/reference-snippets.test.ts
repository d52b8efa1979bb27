// The snippets of the reference, and that no document with snippets is left out.
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { document, root } from './documents.js';
import { snippetsOf, snippetTests } from './snippets.js';

const REFERENCE = ['options', 'formats', 'errors', 'engines', 'training'].map((name) => `docs/${name}.md`);

for (const path of REFERENCE) snippetTests(path);

test('every document with snippets has a test of them', () => {
  const tests = globSync('test/**/*.test.ts', { cwd: root }).map(document).join('\n');
  for (const path of ['README.md', ...globSync('docs/*.md', { cwd: root })])
    if (snippetsOf(path).some(({ language }) => language !== ''))
      assert.ok(REFERENCE.includes(path) || tests.includes(`snippetTests('${path}'`), path);
});

test.run();
