// Crops of several folders: each folder's share, that a step always gets the same, what validates, and what is refused. One
// folder gives the crops that it gave before there could be several.
import { createHash } from 'node:crypto';
import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { weightedVisits } from '#src/train/data/crop-order.js';
import { type CropOptions, type CropSource, openCrops } from '#src/train/data/crops.js';
import { calibrationCrops } from '#src/train/data/validation-crops.js';
import { checkTrainOptions, newSettings, resumedSettings } from '#src/train/options.js';
import { locatedFiles, locatedPng, temporaryFolder, writeFiles } from './training-pictures.js';

const SIZE = 16;
const temporary = await temporaryFolder();
const below = (name: string) => join(temporary.folder, name);

/** PNGs of 20 x 20 with the same names in every folder; their blues tell the folders apart. */
async function writeBlues(folder: string, count: number, firstBlue: number): Promise<string> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++)
    files[`${String(i).padStart(3, '0')}.png`] = await locatedPng(20, 20, firstBlue + i);
  await writeFiles(below(folder), files);
  return below(folder);
}

const photos = await writeBlues('photos', 30, 0);
const graphics = await writeBlues('graphics', 10, 100);
const scans = await writeBlues('scans', 4, 200);

async function withCrops<Result>(
  options: Partial<CropOptions>,
  work: (crops: CropSource) => Promise<Result>,
): Promise<Result> {
  const crops = await openCrops({ folders: [photos, graphics], crop: SIZE, batch: 10, seed: 7, ...options });
  try {
    return await work(crops);
  } finally {
    await crops.close();
  }
}

/** The blue of every crop. */
function bluesOf(batch: Uint8Array): number[] {
  const length = SIZE * SIZE * 3;
  return Array.from({ length: batch.length / length }, (_, index) => batch[index * length + 2] ?? -1);
}

async function steps(crops: CropSource, first: number, end: number): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = [];
  for (let step = first; step < end; step++) batches.push(await crops.batch(step));
  return batches;
}

function counted(blues: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const blue of blues) counts.set(blue, (counts.get(blue) ?? 0) + 1);
  return counts;
}

const hundredsOf = (blues: readonly number[]) => {
  const counts = counted(blues.map((blue) => Math.floor(blue / 100)));
  return [0, 1, 2].map((hundred) => counts.get(hundred) ?? 0);
};

async function refusal(work: () => unknown, code: string, ...words: string[]): Promise<void> {
  const error = await Promise.resolve()
    .then(work)
    .catch((reason: unknown) => reason);
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a refusal but got ${error}`);
  assert.is(error.code, code, error.message);
  for (const word of words) assert.ok(error.message.includes(word), `${word}: ${error.message}`);
}

test('one folder gives the crops that it gave before there could be several', async () => {
  const single = below('single');
  await writeFiles(single, await locatedFiles(40, 20));
  const large = below('large');
  for (let blue = 0; blue < 5; blue++) {
    const located = await locatedPng(250, 250, blue);
    const picture = sharp(located).resize(750, 750, { kernel: 'nearest' }).png();
    await writeFiles(large, { [`${blue}.png`]: await picture.toBuffer() });
  }
  // Written by the version before; the second takes three crops a visit.
  for (const [options, wanted] of [
    [{ folders: [single], batch: 5 }, '4932c4f9222c4aff76cd11c7'],
    [{ folders: [large], batch: 5, cacheBytes: 2 * 750 * 750 * 3 }, '0aee47f71928423f15a66da6'],
    [{ folders: [single], batch: 3, sheetTile: 16 }, '41fdcd2135a3499579cc1c11'],
  ] as const) {
    const hash = createHash('sha256');
    const description = await withCrops(options, async (crops) => {
      for (const batch of await steps(crops, 0, 30)) hash.update(batch);
      hash.update(await crops.validation(30));
      return crops.description;
    });
    assert.is(hash.digest('hex').slice(0, 24), wanted);
    if (options.folders[0] === single) assert.match(String(description.hash), /^cff6b9c82061d9ee/);
    assert.equal([description.folders, description.weights], [undefined, undefined]);
  }
});

test('without weights, every picture of every folder comes once in an epoch', () =>
  withCrops({ batch: 1 }, async (crops) => {
    const blues = (await steps(crops, 0, 3 * crops.description.pictures)).flatMap(bluesOf);
    for (const epoch of [0, 1, 2]) {
      const own = blues.slice(epoch * crops.description.pictures, (epoch + 1) * crops.description.pictures);
      assert.is(new Set(own).size, crops.description.pictures);
      assert.equal(hundredsOf(own), [27, 8, 0]);
    }
  }));

test('with weights, each folder has exactly its share of 1000 crops, and its pictures come equally often', async () => {
  for (const [folders, weights, wanted] of [
    [
      [photos, graphics],
      [3, 1],
      [750, 250, 0],
    ],
    [
      [photos, graphics, scans],
      [0.5, 0.2, 0.3],
      [500, 200, 300],
    ],
  ] as const)
    await withCrops({ folders, weights }, async (crops) => {
      const blues = (await steps(crops, 0, 200)).flatMap(bluesOf);
      assert.equal(hundredsOf(blues.slice(0, 1000)), wanted);
      assert.equal(hundredsOf(blues.slice(1000)), wanted);
      const counts = counted(blues);
      assert.is(counts.size, crops.description.pictures);
      for (const hundred of [0, 1, 2]) {
        const own = [...counts].filter(([blue]) => Math.floor(blue / 100) === hundred);
        const times = own.map(([, count]) => count);
        // A picture comes once in each of its folder's epochs, and the last may be a part of one.
        assert.ok(Math.max(...times) - Math.min(...times) <= 1, `${times}`);
      }
      const perBatch = new Set(
        Array.from({ length: 100 }, (_, i) => hundredsOf(blues.slice(10 * i, 10 * i + 10))[1]),
      );
      assert.ok(perBatch.size > 1, 'in an order that is not regular');
    });
});

test('visits by weight: every visit of every part comes once, before zero too; a small weight is not lost', () => {
  for (const [weights, shares] of [
    [
      [1, 1, 1],
      [333, 333, 333],
    ],
    [
      [1e6, 1],
      [1000, 1],
    ],
  ] as const) {
    const place = weightedVisits(weights, 5);
    const round = shares.reduce((all, share) => all + share, 0);
    const seen = Array.from({ length: 4 * round }, (_, i) => place(i - 2 * round));
    for (const [part, share] of shares.entries()) {
      const own = seen.filter((each) => each.part === part).map(({ visit }) => visit);
      const wanted = Array.from({ length: 4 * share }, (_, i) => i - 2 * share);
      assert.equal(
        own.sort((a, b) => a - b),
        wanted,
      );
    }
  }
});

test('a step gets the same whether or not others were asked for before it', async () => {
  const weights = [3, 1];
  const all = await withCrops({ weights }, (crops) => steps(crops, 0, 40));
  assert.equal(await withCrops({ weights }, (crops) => steps(crops, 23, 40)), all.slice(23));
  assert.not.equal(await withCrops({ weights, seed: 8 }, (crops) => steps(crops, 0, 40)), all);
  assert.not.equal(await withCrops({}, (crops) => steps(crops, 0, 40)), all);
});

test('each folder keeps its own pictures for validation, and validation takes from the folders in turn', async () => {
  const keptAlone = async (folder: string) =>
    withCrops({ folders: [folder] }, async (crops) =>
      bluesOf(await crops.validation(crops.description.validationPictures)),
    );
  const [fromPhotos, fromGraphics] = await Promise.all([photos, graphics].map(keptAlone));
  const few = Math.min(fromPhotos?.length ?? 0, fromGraphics?.length ?? 0);
  assert.ok(few > 0);
  await withCrops({ weights: [1000, 1] }, async (crops) => {
    const kept = bluesOf(await crops.validation(crops.description.validationPictures));
    assert.equal(
      kept.filter((blue) => blue < 100),
      fromPhotos,
    );
    assert.equal(
      kept.filter((blue) => blue >= 100),
      fromGraphics,
    );
    assert.equal(hundredsOf(kept.slice(0, 2 * few)), [few, few, 0]);
    const trained = new Set((await steps(crops, 0, 100)).flatMap(bluesOf));
    assert.not.ok(kept.some((blue) => trained.has(blue)));
  });
});

test('calibration takes what each of the folders kept, if they are those of the training', async () => {
  const folders = [photos, graphics];
  const { description, kept } = await withCrops({ weights: [3, 1] }, async (crops) => ({
    description: crops.description,
    kept: crops.description.validationPictures,
  }));
  assert.equal([description.folders, description.weights], [2, '3 : 1']);
  const model = { provenance: { data: description } };
  const measure = (of: readonly string[]) => calibrationCrops({ folders: of, crop: SIZE }, 2, model);
  const { crops, files, areKept } = await measure(folders);
  assert.equal([areKept, files], [true, kept]);
  const blues = crops.map((crop) => Math.round((crop[2 * SIZE * SIZE] ?? 0) * 255));
  assert.equal(hundredsOf(blues), [1, 1, 0]);
  assert.equal(
    [(await measure([photos])).areKept, (await measure([...folders].reverse())).areKept],
    [false, false],
  );
});

test('the hash sees a file that moves to the next folder', async () => {
  const [left, right] = [below('left'), below('right')];
  await writeFiles(left, {
    'train/a.png': await locatedPng(20, 20, 1),
    'train/b.png': await locatedPng(20, 20, 2),
  });
  await writeFiles(left, {
    'train/m.png': await locatedPng(20, 20, 3),
    'validation/n.png': await locatedPng(20, 20, 4),
  });
  await writeFiles(right, {
    'train/x.png': await locatedPng(20, 20, 5),
    'train/y.png': await locatedPng(20, 20, 6),
  });
  await writeFiles(right, { 'validation/z.png': await locatedPng(20, 20, 7) });
  const hash = () => withCrops({ folders: [left, right] }, async ({ description }) => description.hash);
  const before = await hash();
  await rename(join(left, 'validation/n.png'), join(left, 'validation/o.png'));
  assert.not.equal(await hash(), before);
  await rename(join(left, 'validation/o.png'), join(left, 'validation/n.png'));
  assert.is(await hash(), before);
  await rename(join(left, 'train/m.png'), join(right, 'train/m.png'));
  assert.not.equal(await hash(), before);
});

test('folders that share pictures, by their paths or through a link', async () => {
  const open = (...folders: string[]) => openCrops({ folders, crop: SIZE, batch: 1, seed: 1 });
  await refusal(() => open(photos, graphics, photos), 'BAD_OPTION', photos, 'the same folder');
  await refusal(
    () => open(temporary.folder, graphics),
    'BAD_OPTION',
    `${graphics}, which is inside ${temporary.folder}`,
  );
  await refusal(
    () => open(graphics, temporary.folder),
    'BAD_OPTION',
    `${graphics}, which is inside ${temporary.folder}`,
  );
  await symlink(photos, below('link'));
  await refusal(() => open(photos, below('link')), 'BAD_OPTION', below('link'), 'the same folder');
});

test('an empty folder, one with too few pictures and one with damaged pictures are named', async () => {
  const open = (folder: string) =>
    openCrops({ folders: [photos, folder], weights: [1, 1], crop: SIZE, batch: 1, seed: 1 });
  await refusal(() => open(below('absent')), 'BAD_OPTION', `no folder ${below('absent')}`);
  await writeFiles(below('empty'), { 'notes.txt': Buffer.from('none') });
  await refusal(() => open(below('empty')), 'BAD_OPTION', `${below('empty')}: found no picture`);
  await refusal(async () => open(await writeBlues('few', 2, 50)), 'BAD_OPTION', `${below('few')}: found 2`);
  const half = await locatedPng(200, 200, 77).then((png) => png.subarray(0, png.length / 2));
  await writeFiles(below('damaged'), { 'a.png': half, 'b.png': half, 'c.png': half });
  const crops = await open(below('damaged'));
  await refusal(() => steps(crops, 0, 20), 'BAD_IMAGE', `${below('damaged')}: none of the 2 pictures`);
  await crops.close();
});

test('options: weights for every folder, a list or one folder, and a checkpoint of before', async () => {
  const output = below('prior');
  const check = (options: object) => checkTrainOptions({ folder: [photos, graphics], output, ...options });
  await refusal(
    () => check({ weights: [1, 2, 3] }),
    'BAD_OPTION',
    'Expected 2 numbers for weights',
    'received 1,2,3',
  );
  await refusal(() => check({ folder: photos, weights: [] }), 'BAD_OPTION', 'Expected 1 number for weights');
  await refusal(() => check({ weights: [1, 0] }), 'BAD_OPTION', 'numbers above 0', 'weights', '[ 1, 0 ]');
  await refusal(() => check({ folder: [] }), 'BAD_OPTION', 'folder', 'received []');
  const { folders, weights } = await newSettings(check({ weights: [3, 1] }));
  assert.equal(
    [folders, weights],
    [
      [photos, graphics],
      [3, 1],
    ],
  );
  assert.equal((await newSettings(check({ folder: photos }))).folders, [photos]);

  const { folders: _, weights: __, ...others } = await newSettings(check({ folder: photos }));
  const before = JSON.parse(JSON.stringify({ ...others, folder: '/then' }));
  const resumed = resumedSettings(check({ folder: photos, resume: true }), before);
  assert.equal([resumed.folders, resumed.weights], [[photos], undefined]);
  await refusal(
    () => resumedSettings(check({ weights: [1, 2], resume: true }), before),
    'BAD_OPTION',
    'Expected no weights with resume',
  );
});

test.after(temporary.remove);
test.run();
