// Every relative link of the documents leads somewhere, headings included.
import { existsSync } from 'node:fs';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { document, linksOf, root } from './documents.js';

const documents = globSync(['*.md', 'docs/**/*.md', 'models/*/*.md', 'examples/**/*.md'], { cwd: root });

/** The anchor that GitHub gives a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(file: string): string[] {
  return [...document(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading));
}

for (const file of documents)
  test(file, () => {
    for (const { link, target, heading } of linksOf(file)) {
      assert.ok(existsSync(`${root}${target}`), `${file} links to ${link}, which is not there`);
      if (heading !== undefined)
        assert.ok(anchorsOf(target).includes(heading), `${file}: no heading for ${link}`);
    }
  });

test('the documents that there should be', () => {
  for (const file of ['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'models/natural/README.md'])
    assert.ok(documents.includes(file), file);
});

test('files and scripts that commands name are there', () => {
  for (const file of documents)
    for (const [, script = ''] of document(file).matchAll(/node --import tsx (\S+\.ts)/g))
      assert.ok(existsSync(`${root}${script}`), `${file} names ${script}`);
});

test.run();
