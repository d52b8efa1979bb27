// Crops of shrunk pictures: at which scales they are taken, that what is too fine vanishes, and what is never shrunk.
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { type CropOptions, type CropSource, openCrops } from '#src/train/data/crops.js';
import type { SkippedFile } from '#src/train/data/picture-files.js';
import { checkTrainOptions, newSettings, resumedSettings, type TrainOptions } from '#src/train/options.js';
import { locatedFiles, locatedPng, temporaryFolder, writeFiles } from './training-pictures.js';

/** Waves of 16, 12, 8 and 4 pixels have a whole number of periods in it. */
const SIZE = 48;
const AMPLITUDE = 60;
const temporary = await temporaryFolder();

/** A folder of three grey pictures with vertical bars: a cosine of `period` pixels. */
async function waves(name: string, period: number, side: number): Promise<string> {
  const folder = join(temporary.folder, name);
  const data = Buffer.alloc(side * side * 3);
  for (let i = 0; i < data.length; i++)
    data[i] = Math.round(128 + AMPLITUDE * Math.cos((2 * Math.PI * (Math.floor(i / 3) % side)) / period));
  const png = await sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
  await writeFiles(folder, { 'a.png': png, 'b.png': png, 'c.png': png });
  return folder;
}

async function withCrops<Result>(
  folder: string,
  options: Partial<CropOptions>,
  work: (crops: CropSource) => Promise<Result>,
): Promise<Result> {
  const crops = await openCrops({
    folders: [folder],
    crop: SIZE,
    batch: 5,
    seed: 3,
    augment: 'none',
    ...options,
  });
  try {
    return await work(crops);
  } finally {
    await crops.close();
  }
}

async function steps(crops: CropSource, first: number, end: number): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = [];
  for (let step = first; step < end; step++) batches.push(await crops.batch(step));
  return batches;
}

function divided(batch: Uint8Array): Uint8Array[] {
  const length = SIZE * SIZE * 3;
  return Array.from({ length: batch.length / length }, (_, i) =>
    batch.subarray(i * length, (i + 1) * length),
  );
}

/** The amplitude of a wave of `period` pixels in the first row. */
function amplitudeOf(crop: Uint8Array, period: number): number {
  let [re, im] = [0, 0];
  for (let x = 0; x < SIZE; x++) {
    re += (crop[3 * x] ?? 0) * Math.cos((2 * Math.PI * x) / period);
    im += (crop[3 * x] ?? 0) * Math.sin((2 * Math.PI * x) / period);
  }
  return (2 * Math.hypot(re, im)) / SIZE;
}

const contrastOf = (crop: Uint8Array) => Math.max(...crop) - Math.min(...crop);

test('crops are taken at each scale, equally often, and a wave is as much shorter', async () => {
  const folder = await waves('coarse', 16, 240);
  for (const [shrink, periods] of [
    [undefined, [16]],
    [1, [16]],
    [0.75, [16, 12]],
    [0.5, [16, 12, 8]],
    [0.25, [16, 12, 8, 4]],
  ] as const) {
    const all = await withCrops(folder, { shrink }, (crops) => steps(crops, 0, 120));
    const counts = new Map<number, number>();
    for (const crop of all.flatMap(divided)) {
      const whole = periods.map((period) => Math.abs(amplitudeOf(crop, period) - AMPLITUDE));
      const best = periods[whole.indexOf(Math.min(...whole))] ?? 0;
      assert.ok(Math.min(...whole) < 2, `${whole}`);
      counts.set(best, (counts.get(best) ?? 0) + 1);
    }
    assert.equal([...counts.keys()].sort(), [...periods].sort());
    const wanted = 600 / periods.length;
    for (const count of counts.values())
      assert.ok(Math.abs(count - wanted) < 4 * Math.sqrt(wanted), [...counts].join('; '));
  }
});

test('what is too fine for the new size vanishes, instead of becoming coarse', async () => {
  const folder = await waves('fine', 3, 240);
  const all = await withCrops(folder, { shrink: 0.5 }, (crops) => steps(crops, 0, 40));
  const contrasts = all.flatMap(divided).map(contrastOf);
  const flat = contrasts.filter((contrast) => contrast < 0.1 * AMPLITUDE);
  const full = contrasts.filter((contrast) => contrast > 1.4 * AMPLITUDE);
  assert.ok(flat.length > 40, `${flat.length} of half the size`);
  assert.ok(full.length > 40, `${full.length} of full size`);
});

test('a step gets the same whether or not others were asked for before it, with room for all and without', async () => {
  const folder = join(temporary.folder, 'large');
  for (let blue = 0; blue < 6; blue++) {
    const picture = sharp(await locatedPng(250, 250, blue))
      .resize(750, 750)
      .png();
    await writeFiles(folder, { [`${blue}.png`]: await picture.toBuffer() });
  }
  for (const cacheBytes of [undefined, 3 * 750 * 750 * 3]) {
    const options = { shrink: 0.5, cacheBytes } as const;
    const all = await withCrops(folder, options, (crops) => steps(crops, 0, 30));
    assert.equal(await withCrops(folder, options, (crops) => steps(crops, 17, 30)), all.slice(17));
    assert.not.equal(await withCrops(folder, { ...options, seed: 4 }, (crops) => steps(crops, 0, 30)), all);
    const crops = all.flatMap(divided).map((crop) => Buffer.from(crop).toString('base64'));
    assert.is(new Set(crops).size, crops.length, 'no crop twice');
  }
});

test('no picture gets smaller than a crop, and validation crops are not shrunk', async () => {
  const small = join(temporary.folder, 'small');
  // Their sides are 62 pixels at most, and three quarters of that are 47.
  await writeFiles(small, await locatedFiles(5, 56));
  const read = (folder: string, shrink: CropOptions['shrink']) =>
    withCrops(folder, { shrink }, async (crops) => [
      await crops.validation(5),
      ...(await steps(crops, 0, 20)),
    ]);
  assert.equal(await read(small, 0.25), await read(small, undefined));
  const large = join(temporary.folder, 'coarse');
  const [shrunk, whole] = [await read(large, 0.5), await read(large, undefined)];
  assert.equal(shrunk[0], whole[0]);
  assert.not.equal(shrunk[1], whole[1]);
});

test('a damaged picture is named once, not once for each scale', async () => {
  const folder = join(temporary.folder, 'damaged');
  await writeFiles(folder, await locatedFiles(4, 200));
  const half = await locatedPng(210, 210, 9);
  await writeFiles(folder, { 'train/a.png': half.subarray(0, half.length / 2), 'train/b.png': half });
  await writeFiles(folder, { 'train/c.png': half, 'validation/d.png': half });
  const skipped: SkippedFile[] = [];
  await withCrops(folder, { shrink: 0.25, onSkipped: (file) => skipped.push(file) }, (crops) =>
    steps(crops, 0, 30),
  );
  assert.equal(
    skipped.map(({ path }) => path),
    [join(folder, 'train/a.png')],
  );
});

test('options: the scales that there are, not with contact sheets, not when resuming', async () => {
  const base = { folder: temporary.folder, output: join(temporary.folder, 'prior') };
  const refusal = (
    options: object,
    words: string,
    work = checkTrainOptions as (checked: TrainOptions) => unknown,
  ) => {
    try {
      work({ ...base, ...options });
    } catch (error) {
      assert.ok(error instanceof FlowDenoiseError && error.code === 'BAD_OPTION');
      return assert.match(error.message, words);
    }
    throw new Error(`expected a refusal of ${JSON.stringify(options)}`);
  };
  refusal({ shrink: 0.6 }, 'Expected 1, 0.75, 0.5 or 0.25 for shrink but received 0.6');
  refusal({ shrink: 'half' }, 'Expected 1, 0.75, 0.5 or 0.25 for shrink');
  refusal({ shrink: 0.5, sheetTile: 64 }, 'either sheetTile or shrink');
  const settings = await newSettings(checkTrainOptions({ ...base, shrink: 0.5 }));
  assert.is(settings.shrink, 0.5);
  refusal({ shrink: 0.5, resume: true }, 'Expected no shrink with resume', (options) =>
    resumedSettings(checkTrainOptions(options), settings),
  );

  const description = await withCrops(
    join(temporary.folder, 'coarse'),
    { shrink: 0.5 },
    async (crops) => crops.description,
  );
  assert.is(description.shrink, 0.5);
});

test.after(temporary.remove);
test.run();
