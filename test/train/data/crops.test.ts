// Crops for training: where they come from, in which order, how they lie, and that a step always gets the same.
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CropSource } from '#src/train/data/crops.js';
import { type CropOptions, openCrops } from '#src/train/data/crops.js';
import { sharedPath } from '../../shared.js';
import { locatedFiles, locatedPixels, locatedPng, temporaryFolder, writeFiles } from './training-pictures.js';

const SIZE = 16;
const temporary = await temporaryFolder();
const folder = join(temporary.folder, 'photos');
await writeFiles(folder, await locatedFiles(40, 20));

const defaults: CropOptions = { folders: [folder], crop: SIZE, batch: 5, seed: 7 };

async function withCrops<Result>(
  options: Partial<CropOptions>,
  work: (crops: CropSource) => Promise<Result>,
): Promise<Result> {
  const crops = await openCrops({ ...defaults, ...options });
  try {
    return await work(crops);
  } finally {
    await crops.close();
  }
}

/** The single crops of a batch. */
function divided(batch: Uint8Array, size = SIZE): Uint8Array[] {
  const length = size * size * 3;
  return Array.from({ length: batch.length / length }, (_, index) =>
    batch.subarray(index * length, (index + 1) * length),
  );
}

async function steps(crops: CropSource, first: number, end: number): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = [];
  for (let step = first; step < end; step++) batches.push(await crops.batch(step));
  return batches;
}

const blueOf = (crop: Uint8Array) => crop[2] ?? -1;

/** Where a crop of a located picture was taken. */
function placeOf(crop: Uint8Array) {
  let [left, top] = [255, 255];
  for (let i = 0; i < crop.length; i += 3) {
    left = Math.min(left, crop[i] ?? 0);
    top = Math.min(top, crop[i + 1] ?? 0);
  }
  return { left, top };
}

/** The eight ways that sharp can lay a square, by name; those of a mirror first. */
async function layings(square: Buffer, size: number): Promise<Map<string, Buffer>> {
  const all = new Map<string, Buffer>();
  for (const turn of [0, 90, 180, 270])
    for (const isMirrored of [false, true]) {
      const raw = { raw: { width: size, height: size, channels: 3 as const } };
      const turned = await sharp(square, raw).rotate(turn).raw().toBuffer();
      const laid = isMirrored ? await sharp(turned, raw).flop().raw().toBuffer() : turned;
      all.set(`${turn}${isMirrored ? ' mirrored' : ''}`, laid);
    }
  return all;
}

/** How a crop was laid; fails unless it is exactly what sharp cuts out of its picture. */
async function layingOf(crop: Uint8Array): Promise<string> {
  const file = join(folder, `${String(blueOf(crop)).padStart(3, '0')}.png`);
  const { width, height } = await sharp(file).metadata();
  const { left, top } = placeOf(crop);
  assert.ok(left + SIZE <= width && top + SIZE <= height, `${left}, ${top} in ${width} x ${height}`);
  const square = await sharp(file)
    .extract({ left, top, width: SIZE, height: SIZE })
    .removeAlpha()
    .raw()
    .toBuffer();
  for (const [name, laid] of await layings(square, SIZE)) if (laid.equals(crop)) return name;
  throw new Error(`the crop at ${left}, ${top} of ${file} is none of the eight`);
}

test('every crop is a square of its picture, in one of the eight ways, and all eight come', async () => {
  const found = await withCrops({}, async (crops) => {
    const all = (await steps(crops, 0, 24)).flatMap((batch) => divided(batch));
    return Promise.all(all.map(layingOf));
  });
  assert.is(found.length, 24 * 5);
  assert.is(new Set(found).size, 8, [...new Set(found)].join());
});

test('augment says which ways there are', async () => {
  for (const [augment, wanted] of [
    ['mirror', ['0', '0 mirrored']],
    ['none', ['0']],
  ] as const) {
    const found = await withCrops({ augment }, async (crops) => {
      const all = (await steps(crops, 0, 6)).flatMap((batch) => divided(batch));
      return Promise.all(all.map(layingOf));
    });
    assert.equal([...new Set(found)].sort(), wanted);
  }
});

test('every place that a crop has room for is taken', async () => {
  const places = await withCrops({ augment: 'none' }, async (crops) => {
    const all = (await steps(crops, 0, 600)).flatMap((batch) => divided(batch));
    // 20 x 20 pixels: the crop has 5 x 5 places.
    return all.filter((crop) => blueOf(crop) === 0 || blueOf(crop) === 35).map(placeOf);
  });
  assert.is(new Set(places.map(({ left, top }) => `${left},${top}`)).size, 25, `${places.length} crops`);
});

test('the same seed gives the same crops, another seed others', async () => {
  const read = (seed: number) => withCrops({ seed }, (crops) => steps(crops, 0, 10));
  const first = await read(1);
  assert.equal(await read(1), first);
  assert.not.equal(await read(2), first);
});

test('a step gets the same whether or not others were asked for before it', async () => {
  const all = await withCrops({}, (crops) => steps(crops, 0, 40));
  const later = await withCrops({}, (crops) => steps(crops, 23, 40));
  assert.equal(later, all.slice(23));
  const backwards = await withCrops({}, async (crops) => {
    const found = [];
    for (const step of [39, 2, 38, 0, 17]) found.push(await crops.batch(step));
    return found;
  });
  assert.equal(
    backwards,
    [39, 2, 38, 0, 17].map((step) => all[step]),
  );
});

test('every picture comes once in an epoch, in an order that changes', async () => {
  await withCrops({}, async (crops) => {
    const epoch = crops.description.pictures;
    const blues = (await steps(crops, 0, epoch)).flatMap((batch) => divided(batch)).map(blueOf);
    const epochs = Array.from({ length: 5 }, (_, index) => blues.slice(index * epoch, (index + 1) * epoch));
    for (const each of epochs) assert.is(new Set(each).size, epoch);
    assert.is(new Set(epochs.map((each) => each.join())).size, 5);
  });
});

test('validation pictures are never trained on, and hang on names alone', async () => {
  const [training, validation] = await withCrops({}, async (crops) => {
    assert.is(crops.description.pictures + crops.description.validationPictures, 40);
    const trained = (await steps(crops, 0, crops.description.pictures)).flatMap((batch) => divided(batch));
    return [
      trained.map(blueOf),
      divided(await crops.validation(crops.description.validationPictures)).map(blueOf),
    ];
  });
  assert.is(new Set([...training, ...validation]).size, 40);
  assert.not.ok(validation.some((blue) => training.includes(blue)));

  const larger = join(temporary.folder, 'larger');
  await writeFiles(larger, await locatedFiles(80, 20));
  const kept = await withCrops({ folders: [larger] }, async (crops) =>
    divided(await crops.validation(crops.description.validationPictures)).map(blueOf),
  );
  assert.equal(
    kept.filter((blue) => blue < 40).sort(),
    [...validation].sort(),
    'pictures that are added move no other across',
  );
  assert.ok(kept.length > validation.length);
});

test('validation crops are the middles, whatever the seed; more of them lie elsewhere', async () => {
  const read = (seed: number, count: number) =>
    withCrops({ seed }, async (crops) => ({
      kept: crops.description.validationPictures,
      crops: divided(await crops.validation(count)),
    }));
  const { kept, crops } = await read(1, 30);
  assert.is(crops.length, 30);
  assert.equal((await read(2, 30)).crops, crops);
  for (const [index, crop] of crops.entries()) {
    assert.is(await layingOf(crop), '0');
    const { width, height } = await sharp(
      join(folder, `${String(blueOf(crop)).padStart(3, '0')}.png`),
    ).metadata();
    const middle = { left: Math.floor((width - SIZE) / 2), top: Math.floor((height - SIZE) / 2) };
    if (index < kept) assert.equal(placeOf(crop), middle);
  }
  assert.ok(new Set(crops.map((crop) => JSON.stringify(placeOf(crop)))).size > kept);
});

test('with no room for all, several crops are taken of a picture, and all else holds', async () => {
  const large = join(temporary.folder, 'large');
  const files: Record<string, Buffer> = {};
  for (let blue = 0; blue < 12; blue++) {
    // 750 x 750: three crops a visit. Red and green are the block of 3 x 3 pixels.
    const located = await locatedPng(250, 250, blue);
    files[`${blue}.png`] = await sharp(located).resize(750, 750, { kernel: 'nearest' }).png().toBuffer();
  }
  await writeFiles(large, files);
  const options = { folders: [large], cacheBytes: 3 * 750 * 750 * 3 };
  const all = await withCrops(options, (crops) => steps(crops, 0, 60));
  assert.equal(await withCrops(options, (crops) => steps(crops, 31, 60)), all.slice(31));
  const crops = all.flatMap((batch) => divided(batch));
  assert.is(
    new Set(crops.map((crop) => Buffer.from(crop).toString('base64'))).size,
    crops.length,
    'no crop twice',
  );
  const counts = new Map<number, number>();
  for (const crop of crops) counts.set(blueOf(crop), (counts.get(blueOf(crop)) ?? 0) + 1);
  // 300 crops of 11 pictures.
  assert.is(counts.size, 11);
  for (const count of counts.values())
    assert.ok(Math.abs(count - 300 / 11) <= 9, [...counts.values()].join());
});

test('kinds of pictures: grey, alpha, 16 bits, turned by EXIF, in subfolders', async () => {
  const kinds = join(temporary.folder, 'kinds');
  const raw = { raw: { width: SIZE, height: SIZE, channels: 3 as const } };
  const grey = Buffer.from(Array.from({ length: SIZE * SIZE }, (_, i) => i));
  const colours = locatedPixels(SIZE, SIZE, 99);
  const fill = { a: 'kept for training', b: 'and for validation' };
  await writeFiles(kinds, {
    'train/grey.png': await sharp(grey, { raw: { width: SIZE, height: SIZE, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer(),
    'train/deep/alpha.webp': await sharp(colours, raw)
      .ensureAlpha(0)
      .webp({ lossless: true, exact: true })
      .toBuffer(),
    'train/deep/sixteen.png': await sharp(
      Uint16Array.from(colours, (value) => value * 257),
      raw,
    )
      .toColourspace('rgb16')
      .png()
      .toBuffer(),
    'train/turned.JPG': await sharp(locatedPixels(SIZE, 2 * SIZE, 200), {
      raw: { width: SIZE, height: 2 * SIZE, channels: 3 },
    })
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer(),
    'validation/one.png': await locatedPng(SIZE, SIZE, 1),
    'notes.txt': Buffer.from(JSON.stringify(fill)),
  });
  await withCrops({ folders: [kinds], batch: 4, augment: 'none' }, async (crops) => {
    assert.is(crops.description.pictures, 4);
    const found = divided(await crops.batch(0));
    const greys = Buffer.from([...grey].flatMap((value) => [value, value, value]));
    assert.is(found.filter((crop) => greys.equals(crop)).length, 1, 'grey');
    assert.is(found.filter((crop) => colours.equals(crop)).length, 2, 'alpha and 16 bits');
    const turned = found.find((crop) => blueOf(crop) > 190 && blueOf(crop) < 210);
    assert.ok(turned, 'turned by EXIF');
    // Orientation 6 is shown a quarter turn clockwise: what was down is left, so green falls along a row.
    assert.ok((turned[1] ?? 0) > (turned[3 * (SIZE - 1) + 1] ?? 0), 'green along a row');
    assert.ok((turned[0] ?? 0) < (turned[3 * SIZE * (SIZE - 1)] ?? 0), 'red down a column');
  });
});

test('contact sheets: every tile once an epoch, whole, mirrored at most, empty places never', async () => {
  const sheets = join(temporary.folder, 'sheets');
  const [columns, rows] = [5, 3];
  const files: Record<string, Buffer> = {};
  for (let sheet = 0; sheet < 3; sheet++) {
    const tiles = Array.from({ length: columns * rows - (sheet === 2 ? 2 : 0) }, (_, tile) => ({
      input: locatedPixels(SIZE, SIZE, sheet * 20 + tile),
      raw: { width: SIZE, height: SIZE, channels: 3 as const },
      left: (tile % columns) * SIZE,
      top: Math.floor(tile / columns) * SIZE,
    }));
    // Some pixels are left over at the edges.
    const canvas = {
      width: columns * SIZE + 5,
      height: rows * SIZE + 3,
      channels: 3 as const,
      background: 'black',
    };
    files[`${sheet < 2 ? 'a' : 'b'}-${sheet}.webp`] = await sharp({ create: canvas })
      .composite(tiles)
      .webp({ lossless: true })
      .toBuffer();
  }
  await writeFiles(sheets, files);
  const read = (cacheBytes: number | undefined) =>
    withCrops({ folders: [sheets], sheetTile: SIZE, cacheBytes }, async (crops) => {
      assert.is(crops.description.pictures, 2 * columns * rows);
      assert.is(crops.description.validationPictures, columns * rows);
      const seen = (await steps(crops, 0, 6)).flatMap((batch) => divided(batch));
      const validation = divided(await crops.validation(16));
      return { seen, validation };
    });
  const { seen, validation } = await read(undefined);
  for (const crop of [...seen, ...validation]) assert.equal(placeOf(crop), { left: 0, top: 0 });
  const firstRows = new Set(seen.map((crop) => (crop[0] === 0 ? 'as it is' : 'mirrored')));
  assert.is(firstRows.size, 2);
  for (const crop of seen) assert.is(crop[1], 0, 'nothing stands on its head');
  const sheetsOf = (crops: Uint8Array[]) => new Set(crops.map((crop) => Math.floor(blueOf(crop) / 20)));
  assert.not.ok(
    [...sheetsOf(seen)].some((sheet) => sheetsOf(validation).has(sheet)),
    'divided by sheet',
  );
  const tiles = new Set(seen.map(blueOf));
  const isThirdTrained = sheetsOf(seen).has(2);
  assert.is(tiles.size, isThirdTrained ? 28 : 30, 'each tile, and no empty place');
  assert.is(new Set(validation.map(blueOf)).size, isThirdTrained ? 15 : 13);
});

test('sheets that have no room decoded give every tile as often, too', async () => {
  const sheets = join(temporary.folder, 'large-sheets');
  const tile = 256;
  const files: Record<string, Buffer> = {};
  for (const [index, name] of ['train/a', 'train/b', 'validation/c'].entries()) {
    const tiles = Array.from({ length: 8 }, (_, place) => ({
      input: locatedPixels(tile, tile, index * 8 + place),
      raw: { width: tile, height: tile, channels: 3 as const },
      left: (place % 4) * tile,
      top: Math.floor(place / 4) * tile,
    }));
    const canvas = { width: 4 * tile, height: 2 * tile, channels: 3 as const, background: 'black' };
    files[`${name}.png`] = await sharp({ create: canvas }).composite(tiles).png().toBuffer();
  }
  await writeFiles(sheets, files);
  const options = { folders: [sheets], sheetTile: tile, crop: 64, batch: 4, cacheBytes: 0 };
  const blues = await withCrops(options, async (crops) =>
    (await steps(crops, 40, 80)).flatMap((batch) => divided(batch, 64)).map(blueOf),
  );
  const counts = new Map<number, number>();
  for (const blue of blues) counts.set(blue, (counts.get(blue) ?? 0) + 1);
  assert.is(counts.size, 16);
  for (const count of counts.values()) assert.ok(count >= 8 && count <= 12, [...counts.values()].join());
});

test('the shared faces are divided by their folders', async () => {
  const faces = sharedPath('data/faces64');
  if (faces === undefined) return;
  await withCrops({ folders: [faces], sheetTile: 64, crop: 64, batch: 9 }, async (crops) => {
    assert.is(crops.description.pictures, 40 * 256);
    assert.is(crops.description.validationPictures, 128);
    assert.is((await crops.batch(0)).length, 9 * 64 * 64 * 3);
    assert.is(
      new Set(divided(await crops.validation(128), 64).map((crop) => Buffer.from(crop).toString('hex'))).size,
      128,
    );
  });
});

test.after(temporary.remove);
test.run();
