// Results that want one name, from two inputs or from somebody else: each is there, whole.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openFolders } from '#src/plugin/watch/folders.js';
import { openLedger } from '#src/plugin/watch/ledger.js';
import { openOutputs } from '#src/plugin/watch/outputs.js';
import { filesBelow } from '../../cli/command.js';
import { failureOf } from '../through.js';
import { withPlace } from './watching.js';

const picture = { path: 'sub/a.png', size: 1, mtimeMs: 1, hash: 'h', options: 'o' };
const publishing = {
  mayReplace: true,
  signal: new AbortController().signal,
  check: async () => {},
};

test('many results for one name, at one time', () =>
  withPlace(async (place) => {
    const folders = await openFolders(place.input, place.output);
    const ledger = await openLedger(join(place.root, 'ledger'), () => {});
    const outputs = await openOutputs(folders, ledger);
    const contents = Array.from({ length: 6 }, (_, i) => Buffer.alloc(50_000, i));
    const published = await Promise.all(contents.map((bytes) => outputs.publish(bytes, picture, publishing)));
    assert.equal(published.map(({ output }) => output).sort(), [
      'sub/a-2.png',
      'sub/a-3.png',
      'sub/a-4.png',
      'sub/a-5.png',
      'sub/a-6.png',
      'sub/a.png',
    ]);
    for (const [i, { output }] of published.entries())
      assert.equal(await readFile(join(place.output, output)), contents[i]);

    const reason = new Error('enough');
    const aborted = { ...publishing, signal: AbortSignal.abort(reason) };
    assert.is(await failureOf(outputs.publish(Buffer.alloc(9), picture, aborted)), reason);
    const check = async () => {
      throw reason;
    };
    assert.is(await failureOf(outputs.publish(Buffer.alloc(9), picture, { ...publishing, check })), reason);
    assert.is((await filesBelow(place.output)).length, 6);
  }));

test.run();
