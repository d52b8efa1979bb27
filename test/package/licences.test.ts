// Every file of models/ and examples/ has a line that says under which licence it is given.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../', import.meta.url));
const filesOf = (folder: string) =>
  globSync(`${folder}/**`, { cwd: root, dot: true })
    .filter((file) => path.basename(file) !== 'README.md')
    .sort();

/** A card's line, which holds for all files beside it: `Licence: MIT, ...` */
function licenceOfFolder(folder: string): string | undefined {
  const card = path.join(root, folder, 'README.md');
  if (!existsSync(card)) return undefined;
  return /^Licence: (\S.*)$/m.exec(readFileSync(card, 'utf8'))?.[1];
}

/** The last cell of the row that names a file, in its folder's README or in one of those above. */
function licenceInTable(file: string): string | undefined {
  for (let folder = path.dirname(file); folder !== '.'; folder = path.dirname(folder)) {
    const readme = path.join(root, folder, 'README.md');
    if (!existsSync(readme)) continue;
    const rows = readFileSync(readme, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll('`', '')),
      );
    const [heading, ...files] = rows;
    assert.is(heading?.at(-1), 'licence', `${readme}: the last column is the licence`);
    const row = files.find(([name]) => name === path.relative(folder, file));
    if (row) return row.at(-1);
  }
  return undefined;
}

for (const file of filesOf('models'))
  test(file, () =>
    assert.ok(licenceOfFolder(path.dirname(file)), 'its README.md has no line "Licence: ..."'),
  );

for (const file of filesOf('examples'))
  test(file, () => assert.ok(licenceInTable(file), 'no table of a README.md has its licence'));

test('there are files to look at', () => {
  assert.ok(filesOf('models').includes('models/natural/weights.safetensors'));
  assert.ok(filesOf('examples').includes('examples/photos/coffee.png'));
});

test.run();
