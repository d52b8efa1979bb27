// Folders that cannot be trained on, files that are left out, and what is left running: nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError, type FlowDenoiseErrorCode } from '#src/core/errors.js';
import { type CropOptions, openCrops } from '#src/train/data/crops.js';
import type { SkippedFile } from '#src/train/data/picture-files.js';
import { locatedFiles, locatedPng, temporaryFolder, writeFiles } from './training-pictures.js';

const SIZE = 16;
const temporary = await temporaryFolder();
const below = (name: string) => join(temporary.folder, name);
const options = (folder: string): CropOptions => ({ folders: [folder], crop: SIZE, batch: 5, seed: 7 });

async function refusal(
  work: () => Promise<unknown>,
  code: FlowDenoiseErrorCode,
  ...words: (string | RegExp)[]
) {
  const error = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a refusal but got ${error}`);
  assert.is(error.code, code, error.message);
  for (const word of words)
    assert.ok(
      typeof word === 'string' ? error.message.includes(word) : word.test(error.message),
      error.message,
    );
}

/** A file whose header is whole and whose pixels end early. */
async function truncated(blue: number): Promise<Buffer> {
  const noise = await locatedPng(200, 200, blue);
  return noise.subarray(0, Math.floor(noise.length / 2));
}

test('a folder that is none, or without pictures', async () => {
  await refusal(() => openCrops(options(below('absent'))), 'BAD_OPTION', below('absent'), 'folder');
  await writeFiles(below('words'), { 'a.txt': Buffer.from('a'), 'b/c.gif': Buffer.from('GIF89a') });
  await refusal(() => openCrops(options(below('words'))), 'BAD_OPTION', below('words'), 'png');
  await refusal(() => openCrops(options(join(below('words'), 'a.txt'))), 'BAD_OPTION', 'a.txt');
});

test('too few pictures, with the least number', async () => {
  await writeFiles(below('few'), await locatedFiles(2, 20));
  await refusal(
    () => openCrops(options(below('few'))),
    'BAD_OPTION',
    'found 2',
    'at least 2 pictures',
    '1 for validation',
  );
  await writeFiles(below('three'), await locatedFiles(3, 20));
  const crops = await openCrops(options(below('three')));
  assert.equal([crops.description.pictures, crops.description.validationPictures], [2, 1]);
  await crops.close();
  await writeFiles(below('one-sheet'), { 'sheet.png': await locatedPng(64, 64, 3) });
  await refusal(
    () => openCrops({ ...options(below('one-sheet')), sheetTile: SIZE }),
    'BAD_OPTION',
    'found 1',
    'at least 1 contact sheet to train on',
  );
});

test('a split by folders whose halves are not both filled', async () => {
  await writeFiles(below('halves'), {
    'train/a.png': await locatedPng(20, 20, 1),
    'train/b.png': await locatedPng(20, 20, 2),
    'validation/c.png': await locatedPng(8, 8, 3),
  });
  await refusal(
    () => openCrops(options(below('halves'))),
    'BAD_OPTION',
    '2 to train on and 0 for validation',
    '1 more',
  );
});

test('too small pictures are left out and counted; where all are, the largest is named', async () => {
  await writeFiles(below('mixed'), {
    ...(await locatedFiles(6, 20)),
    'low.png': await locatedPng(40, 15, 1),
    'narrow.png': await locatedPng(15, 40, 1),
  });
  const crops = await openCrops(options(below('mixed')));
  assert.is(crops.description.pictures + crops.description.validationPictures, 6);
  assert.is(crops.description.tooSmall, 2);
  await crops.close();

  await writeFiles(below('small'), {
    'a.png': await locatedPng(10, 10, 1),
    'b.png': await locatedPng(12, 15, 1),
    'c.png': await locatedPng(9, 9, 1),
  });
  await refusal(
    () => openCrops(options(below('small'))),
    'BAD_OPTION',
    'b.png',
    '12 x 15',
    '16 x 16',
    'smaller crop',
  );
});

test('a crop larger than the pictures on the sheets', async () => {
  await refusal(() => openCrops({ ...options(below('mixed')), sheetTile: 8 }), 'BAD_OPTION', '16', '8');
});

test('unreadable files are named, at the start or when their turn comes, and others stand in', async () => {
  await writeFiles(below('damaged'), {
    ...(await locatedFiles(6, 20)),
    'empty.jpg': Buffer.alloc(0),
    'half.png': await truncated(77),
    'words.tif': Buffer.from('no picture'),
  });
  const skipped: SkippedFile[] = [];
  const read = async () => {
    const crops = await openCrops({ ...options(below('damaged')), onSkipped: (file) => skipped.push(file) });
    const batches = [];
    for (let step = 0; step < 8; step++) batches.push(await crops.batch(step));
    await crops.close();
    return { batches, description: crops.description };
  };
  const { batches, description } = await read();
  assert.is(description.unreadable, 2, 'the header of the third is good');
  assert.equal(skipped.map(({ path }) => basename(path)).sort(), ['empty.jpg', 'half.png', 'words.tif']);
  for (const { reason } of skipped) assert.ok(reason.length > 5 && !reason.includes('\n'), reason);
  assert.equal((await read()).batches, batches, 'what stands in is always the same');
  for (const batch of batches) assert.not.ok(batch.includes(77), 'nothing of a damaged file');
});

test('where none can be read, the reason is told', async () => {
  await writeFiles(below('headless'), { 'a.png': Buffer.from('a'), 'b.jpg': Buffer.from('b') });
  await refusal(
    () => openCrops(options(below('headless'))),
    'BAD_IMAGE',
    'none of its 2',
    /[ab]\.(png|jpg): ./,
  );
  await writeFiles(below('cut'), {
    'a.png': await truncated(1),
    'b.png': await truncated(2),
    'c.png': await truncated(3),
  });
  const crops = await openCrops(options(below('cut')));
  await refusal(() => crops.batch(0), 'BAD_IMAGE', below('cut'), 'none of the 2');
  await refusal(() => crops.validation(1), 'BAD_IMAGE', 'none of the 1');
  await crops.close();
});

test('aborting and closing', async () => {
  const stopping = new AbortController();
  stopping.abort(new Error('enough'));
  const opening = openCrops({ ...options(below('mixed')), signal: stopping.signal });
  assert.is(await opening.catch((error: Error) => error.message), 'enough');

  const later = new AbortController();
  const crops = await openCrops({ ...options(below('mixed')), signal: later.signal });
  await crops.batch(0);
  later.abort(new Error('later'));
  assert.is(await crops.batch(1).catch((error: Error) => error.message), 'later');
  await crops.close();

  const closed = await openCrops(options(below('mixed')));
  await closed.close();
  await refusal(() => closed.batch(0), 'CLOSED');
});

test('in a worker thread, it leaves nothing that keeps the thread or the process', async () => {
  const crops = new URL('../../../dist/train/data/crops.js', import.meta.url).href;
  const inWorker = `
    import { parentPort } from 'node:worker_threads';
    const { openCrops } = await import(${JSON.stringify(crops)});
    const crops = await openCrops(${JSON.stringify(options(below('mixed')))});
    for (let step = 0; step < 5; step++) await crops.batch(step);
    await crops.close();
    parentPort.postMessage('read');`;
  const main = `
    import { Worker } from 'node:worker_threads';
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(inWorker)})));
    worker.on('message', (word) => console.log(word));
    worker.on('exit', (code) => console.log('exit', code));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', main], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    timeout: 60_000,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const [code] = await once(child, 'close');
  assert.is(code, 0, said);
  assert.is(said, 'read\nexit 0\n');
});

test.after(temporary.remove);
test.run();
