// File names in a watched folder, and the room where files wait.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createSettling } from '#src/plugin/watch/arrivals/settling.js';
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

const snapshot = (size: number) => ({ size, mtimeMs: 0, ino: 1 });

test('files are due in the order in which they came to rest', () => {
  const settling = createSettling(100);
  assert.is(settling.dueIn(0), undefined);
  settling.see('a', snapshot(1), 0);
  settling.see('b', snapshot(1), 10);
  settling.see('a', snapshot(1), 50);
  assert.is(settling.dueIn(60), 40, 'seen again unchanged, it goes on waiting');
  settling.see('a', snapshot(2), 60);
  assert.equal([settling.takeDue(100), settling.dueIn(100)], [undefined, 10]);
  assert.is(settling.takeDue(110)?.path, 'b');
  const a = settling.takeDue(160);
  assert.is(a?.path, 'a');
  if (a) settling.putBack({ ...a, incompleteSince: 160 }, 160);
  assert.is(settling.takeDue(260)?.incompleteSince, 160);
  assert.is(settling.size(), 0);
});

test.run();
