// File names in a watched folder.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { appendedPath, isPictureName, versionedPath } from '#src/plugin/watch/names.js';

test('which names are pictures', () => {
  for (const name of ['a.png', 'A.JPEG', 'sub/b c.tif', 'part.png', 'a.b.webp', '\n.png', 'x/y/z/$.jpg'])
    assert.ok(isPictureName(name), name);
  for (const name of [
    '.a.png',
    '.sub/a.png',
    'sub/.done/a.png',
    'a.png.part',
    'a.png.crdownload',
    'a.png.filepart',
    'a.png.tmp',
    'a.png~',
    '~$a.png',
    '#a.png#',
    'a.heic',
    'png',
    'lost+found/a.png',
    '@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg',
  ])
    assert.not.ok(isPictureName(name), name);
});

const nameArbitrary = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 255 })
  .filter((name) => !/[/\0]/.test(name) && Buffer.byteLength(name) <= 255 && name !== '.' && name !== '..');

test('versions and words fit into 255 bytes, stay in their folder, and are other names', () => {
  fc.assert(
    fc.property(nameArbitrary, fc.integer({ min: 2, max: 10_000 }), (name, version) => {
      for (const path of [versionedPath(`sub/${name}`, version), appendedPath(`sub/${name}`, '.txt')]) {
        assert.ok(path.startsWith('sub/'));
        const made = path.slice(4);
        assert.ok(Buffer.byteLength(made) <= 255 && !made.includes('/'));
        assert.not.equal(made, name);
      }
    }),
  );
  assert.is(versionedPath('sub/a.png', 1), 'sub/a.png');
  assert.is(versionedPath('sub/a.b.png', 2), 'sub/a.b-2.png');
});

test.run();
