// Every kind of picture through the stream with an estimator that changes nothing: lossless kinds keep every sample,
// all keep every block of metadata byte for byte, as sharp and as a second, independent reader (exifreader) see them.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { suite } from 'uvu';
import type { Channels, Samples } from '#src/core/picture.js';
import { readTiffTags, type TiffTag, withTiffDirectory } from '#src/image/containers/tiff-tags.js';
import { adobeRgbProfile } from '../image/adobe-rgb.js';
import { HEIGHT, pipelineOf, planesOf, samples8, samples16, samplesFloat, WIDTH } from '../image/made.js';
import { assertKept, denoised, dressed, headerOf, independently } from './kept.js';
import { failureOf } from './through.js';

const test = suite<{ adobeRgb: string }>('matrix', { adobeRgb: '' });
test.before(async (context) => {
  context.adobeRgb = join(await mkdtemp(join(tmpdir(), 'flow-denoise-')), 'adobe-rgb.icc');
  await writeFile(context.adobeRgb, adobeRgbProfile());
});
test.after(({ adobeRgb }) => rm(join(adobeRgb, '..'), { recursive: true }));

const words = ['grey', 'grey with alpha', 'RGB', 'RGBA'];
for (const channels of [1, 2, 3, 4] as const)
  for (const data of [samples8(channels), samples16(channels)]) {
    const kind = `${data.BYTES_PER_ELEMENT * 8}-bit ${words[channels - 1]}`;
    for (const progressive of [false, true])
      test(`PNG ${kind}${progressive ? ', interlaced' : ''}`, async () => {
        const { report } = await assertKept(
          dressed(pipelineOf(data, channels)).png({ progressive }),
          'a.png',
        );
        for (const block of ['EXIF', 'XMP', 'density', `colour: ${words[channels - 1]}`])
          assert.ok(report.file.kept.includes(block), block);
      });
    for (const compression of ['lzw', 'deflate', 'none'])
      test(`TIFF ${kind}, ${compression}`, async () => {
        const made = dressed(pipelineOf(data, channels)).tiff({ compression });
        const { report } = await assertKept(made, 'a.tif');
        assert.ok(report.file.kept.includes(`colour: ${words[channels - 1]}`));
      });
  }

for (const channels of [1, 3] as const)
  for (const compression of ['lzw', 'deflate', 'none'])
    test(`TIFF float ${words[channels - 1]}, ${compression}`, async () => {
      const { report } = await assertKept(
        floats(channels).tiff({ compression, predictor: 'float' }),
        'a.tif',
      );
      assert.ok(report.file.kept.includes('bit depth: 32 (float)'));
    });

test('TIFF: BigTIFF and tiles', async () => {
  for (const options of [
    { bigtiff: true },
    { tile: true, tileWidth: 16, tileHeight: 32 },
    { bigtiff: true, tile: true, tileWidth: 32, tileHeight: 16 },
  ]) {
    const file = dressed(pipelineOf(samples16(3), 3)).tiff({ compression: 'lzw', ...options });
    const { report } = await assertKept(file, 'a.tif');
    assert.ok(report.file.kept.includes(`variant: ${options.bigtiff ? 'BigTIFF' : 'classic TIFF'}`));
  }
});

for (const channels of [3, 4] as const)
  test(`palette PNG, ${words[channels - 1]}`, async () => {
    const few = samples8(channels).map((value) => value & 0xc0);
    for (const progressive of [false, true]) {
      const made = dressed(pipelineOf(few, channels)).png({
        palette: true,
        dither: 0,
        effort: 1,
        progressive,
      });
      const { file, report } = await assertKept(made, 'a.png');
      assert.equal((await sharp(file).metadata()).isPalette, true);
      assert.ok(report.file.kept.includes('colour: palette'));
    }
  });

test('TIFF with EXIF and GPS, which sharp does not write', async () => {
  const plain = await pipelineOf(samples16(3), 3).tiff({ compression: 'lzw' }).toBuffer();
  const text = (id: number, value: string) => ({
    id,
    type: 2,
    count: value.length + 1,
    value: Buffer.from(`${value}\0`),
  });
  const pointer = (id: number, ...directory: TiffTag[]) => ({
    id,
    type: 4,
    count: 1,
    value: Buffer.alloc(4),
    directory,
  });
  const extra = [text(315, 'Ada'), pointer(34665, text(42036, 'a lens')), pointer(34853, text(1, 'N'))];
  const made = withTiffDirectory(plain, [...readTiffTags(plain), ...extra]);
  const { report } = await assertKept(made, 'a.tif');
  assert.match(JSON.stringify(await independently(made)), /a lens/);
  for (const trait of ['EXIF', 'GPS', 'tag 315']) assert.ok(report.file.kept.includes(trait), trait);
});

test('what is not kept is told: an odd TIFF compression, small depths', async () => {
  const told = async (made: Buffer, name: string) => (await denoised(made, name)).report.file.notKept;
  const jpegTiff = await pipelineOf(samples8(3), 3)
    .tiff({ compression: 'jpeg', predictor: 'none' })
    .toBuffer();
  assert.deepEqual(await told(jpegTiff, 'a.tif'), ['compression: JPEG -> Deflate']);
  const bits = await pipelineOf(samples8(1), 1)
    .tiff({ bitdepth: 1, compression: 'lzw', predictor: 'none' })
    .toBuffer();
  assert.deepEqual(await told(bits, 'a.tif'), ['bit depth: 1 -> 8']);

  // sharp divides it out again, so the alpha that is written is a plain one.
  const plain = await pipelineOf(samples8(4), 4).tiff({ compression: 'lzw' }).toBuffer();
  const tags = readTiffTags(plain).map((tag) =>
    tag.id === 338 ? { ...tag, value: Buffer.from([1, 0]) } : tag,
  );
  const multiplied = withTiffDirectory(plain, tags);
  const { file, report } = await denoised(multiplied, 'a.tif');
  assert.deepEqual(report.file.notKept, ['alpha: multiplied into the colours -> plain']);
  assert.deepEqual(await planesOf(file), await planesOf(multiplied));
});

for (let orientation = 1; orientation <= 8; orientation++)
  test(`orientation ${orientation}: neither applied nor lost`, async () => {
    for (const [name, isLossless] of [
      ['a.jpg', false],
      ['a.png', true],
      ['a.tif', true],
      ['a.webp', true],
    ] as const) {
      const pipeline = dressed(pipelineOf(samples8(3), 3), orientation);
      const made = {
        'a.jpg': () => pipeline.jpeg(),
        'a.png': () => pipeline.png(),
        'a.tif': () => pipeline.tiff({ compression: 'lzw' }),
        'a.webp': () => pipeline.webp({ lossless: true, exact: true }),
      }[name]();
      const { file } = await assertKept(made, name, { isLossless });
      const metadata = await sharp(file).metadata();
      assert.deepEqual([metadata.orientation, metadata.width], [orientation, WIDTH], name);
    }
  });

test('Display P3 and Adobe RGB: the profile byte for byte, no sample converted', async ({ adobeRgb }) => {
  for (const profile of ['p3', adobeRgb])
    for (const name of ['a.jpeg', 'a.png', 'a16.png', 'a.tiff', 'a16.tiff', 'a.webp']) {
      const data = name.includes('16') ? samples16(3) : samples8(3);
      const pipeline = dressed(pipelineOf(data, 3), 6).withIccProfile(profile);
      const format = name.replace(/.*\./, '') as 'jpeg' | 'png' | 'tiff' | 'webp';
      const options = {
        jpeg: {},
        png: {},
        tiff: { compression: 'lzw' },
        webp: { lossless: true, exact: true },
      };
      const made = pipeline.toFormat(format, options[format]);
      const { before, report } = await assertKept(made, name, { isLossless: format !== 'jpeg' });
      const { icc } = await sharp(before).metadata();
      assert.ok(icc && icc.length > 400, name);
      const found = JSON.stringify(await independently(before));
      for (const block of [format === 'tiff' ? '' : '"Artist"', '"icc"', 'Rating'])
        assert.ok(found.includes(block), `${name}: ${block}`);
      if (profile === adobeRgb) assert.deepEqual(icc, adobeRgbProfile());
      for (const trait of ['ICC profile', 'orientation: 6'])
        assert.ok(report.file.kept.includes(trait), name);
    }
});

for (const channels of [3, 4] as const)
  test(`WebP lossless and lossy, ${words[channels - 1]}`, async () => {
    const picture = () => dressed(pipelineOf(samples8(channels), channels));
    await assertKept(picture().webp({ lossless: true, exact: true }), 'a.webp');
    for (const quality of [50, 80, 95]) {
      const made = await picture().webp({ quality }).toBuffer();
      const { file, report } = await denoised(made, 'a.webp');
      assert.deepEqual(await headerOf(file), await headerOf(made));
      assert.deepEqual(await independently(file), await independently(made));
      assert.ok(!file.includes('VP8L'));
      const lost = report.file.notKept.filter(
        (trait) => !trait.startsWith('compression: lossy, quality about'),
      );
      assert.deepEqual(lost, []);
    }
  });

test('fully transparent pixels keep their colour', async () => {
  const data = samples8(4).map((value, i) => (i % 4 === 3 ? 0 : value));
  for (const [name, made] of [
    ['a.png', pipelineOf(data, 4).png()],
    ['a.webp', pipelineOf(data, 4).webp({ lossless: true, exact: true })],
    ['a.tif', pipelineOf(data, 4).tiff({ compression: 'lzw' })],
  ] as const) {
    const { file } = await assertKept(made, name);
    assert.deepEqual(
      (await planesOf(file))[0],
      data.filter((_, i) => i % 4 === 0),
      name,
    );
  }
});

test('several pages are refused, never the first page alone; an animation comes out whole', async () => {
  const frames = await Promise.all(
    [0, 1].map((i) =>
      pipelineOf(
        samples8(3).map((value) => value ^ (i * 255)),
        3,
      )
        .png()
        .toBuffer(),
    ),
  );
  const both = () => sharp(frames, { join: { animated: true } });
  const pages = await both().tiff({ compression: 'lzw' }).toBuffer();
  const error = await failureOf(denoised(pages, 'a.tif'));
  assert.match(error.message, /pages/);
  assert.equal((error as Error & { code?: string }).code, 'UNSUPPORTED_IMAGE');
  const animation = await both().webp({ lossless: true }).toBuffer();
  const { file, report } = await denoised(animation, 'a.webp');
  assert.deepEqual(report.file.notKept, []);
  const pixels = (webp: Buffer) => sharp(webp, { animated: true }).raw().toBuffer();
  assert.deepEqual(await pixels(file), await pixels(animation));
});

test('CMYK is refused with a reason', async () => {
  const made = await pipelineOf(samples8(3), 3).toColourspace('cmyk').jpeg().toBuffer();
  const error = await failureOf(denoised(made, 'a.jpg'));
  assert.match(error.message, /CMYK.*Convert it to PNG/);
});

function floats(channels: Channels): Sharp {
  const data = samplesFloat(channels);
  const raw = { width: WIDTH, height: HEIGHT, channels: 1 as const };
  const planes: Samples[] = Array.from({ length: channels }, (_, c) =>
    data.filter((_, i) => i % channels === c),
  );
  const others = (channels === 1 ? planes : planes.slice(1)) as unknown as Buffer[];
  const first = sharp(planes[0], { raw }).toColourspace(channels <= 2 ? 'b-w' : 'scrgb');
  const joined = first.joinChannel(others, { raw });
  return channels === 1 ? joined.extractChannel(0) : joined;
}

test.run();
