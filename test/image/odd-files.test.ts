// Whole files that libvips warns of are taken, with the warning told; whole files that it cannot decode are of an unsupported
// kind; damage stays damage.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readTiffTags, type TiffTag, withTiffDirectory } from '#src/image/containers/tiff-tags.js';
import { decodePicture, encodePicture, fidelityOf } from '#src/image/index.js';
import { sharedPath } from '../shared.js';

const SIDE = 64;
const pixels = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i * 7 + (i >> 5) * 3) & 255);
const picture = () => sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } });

/** The place of the first scan's header in a JPEG. */
const scanOf = (file: Buffer) => file.indexOf(Buffer.from([0xff, 0xda, 0, 12, 3]));

function samsung(file: Buffer): Buffer {
  const out = Buffer.from(file);
  out.set([0, 0, 0], scanOf(file) + 11);
  return out;
}

function padded(file: Buffer): Buffer {
  const at = file.indexOf(Buffer.from([0xff, 0xdb]));
  return Buffer.concat([file.subarray(0, at), Buffer.from([0, 0, 7, 0xff]), file.subarray(at)]);
}

const pixelsOf = async (file: Buffer) => (await decodePicture(file, 'a.jpg')).picture.data;

for (const [what, change, words] of [
  ['scan parameters as of Samsung', samsung, /scan/],
  ['bytes between segments', padded, /^3 stray bytes/],
] as const)
  test(`JPEG: ${what}`, async () => {
    const plain = await picture()
      .jpeg({ quality: 90 })
      .withExif({ IFD0: { Artist: 'me' } })
      .toBuffer();
    const odd = change(plain);
    await sharp(odd, { failOn: 'warning' })
      .raw()
      .toBuffer()
      .then(
        () => assert.unreachable('libvips has nothing to say'),
        () => undefined,
      );
    const decoded = await decodePicture(odd, 'odd.jpg');
    assert.equal(decoded.picture.data, await pixelsOf(plain));
    assert.is(decoded.warnings?.length, 1);
    assert.match(decoded.warnings?.[0] ?? '', words);
    const { kept, notKept } = await fidelityOf(decoded, await encodePicture(decoded));
    assert.ok(kept.includes('EXIF'));
    assert.equal(notKept, []);
    assert.equal((await decodePicture(plain, 'plain.jpg')).warnings, []);
    // Damage in the same file is not forgiven.
    const scan = scanOf(odd) + 60;
    const damaged = Buffer.concat([odd.subarray(0, scan), Buffer.from([0xff, 0xd9])]);
    assert.match(await refusal(damaged), /BAD_IMAGE.*damaged or incomplete JPEG/);
    const broken = Buffer.from(odd);
    broken.set([0xff, 0xc4, 0xff, 0xd3, 0xff, 0xff], scan);
    assert.match(await refusal(broken), /BAD_IMAGE/);
  });

async function refusal(file: Buffer): Promise<string> {
  const error = await decodePicture(file, 'x').then(
    () => ({ code: 'none', message: '' }),
    (reason: { code: string; message: string }) => reason,
  );
  assert.not.match(error.message, /failOn/);
  return `${error.code} ${error.message}`;
}

function tag(id: number, type: 2 | 3, text: string | number): TiffTag {
  const value = typeof text === 'string' ? Buffer.from(text) : Buffer.from([text, 0]);
  return { id, type, count: type === 2 ? value.length : 1, value };
}

/** The TIFF with a tag more, or with another value for it. */
const withTag = (file: Buffer, added: TiffTag): Buffer =>
  withTiffDirectory(file, [...readTiffTags(file).filter(({ id }) => id !== added.id), added]);

test('TIFF: a text without the NUL at its end', async () => {
  const plain = await picture().tiff({ compression: 'lzw' }).toBuffer();
  const odd = withTag(plain, tag(34_737, 2, 'unended'));
  const decoded = await decodePicture(odd, 'odd.tif');
  assert.equal(decoded.picture.data, (await decodePicture(plain, 'plain.tif')).picture.data);
  assert.equal(decoded.warnings, ['texts in its tags that do not end as they should']);
  const { notKept } = await fidelityOf(decoded, await encodePicture(decoded));
  assert.equal(notKept, []);
  const strips = odd.indexOf(plain.subarray(8, 200));
  const damaged = Buffer.from(odd);
  damaged.fill(0xff, strips, strips + 400);
  assert.match(await refusal(damaged), /BAD_IMAGE/);
});

test('pictures that fail at once: each by its own fault', async () => {
  const odd = withTag(await picture().tiff({ compression: 'lzw' }).toBuffer(), tag(34_737, 2, 'unended'));
  const jpeg = await picture().jpeg().toBuffer();
  const half = jpeg.subarray(0, jpeg.length >> 1);
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const [decoded, refused] = await Promise.all([decodePicture(odd, 'odd.tif'), refusal(half)]);
      assert.equal(decoded.warnings, ['texts in its tags that do not end as they should']);
      assert.match(refused, /^BAD_IMAGE .*JPEG file \([^();]*premature end/);
    }),
  );
});

test('TIFF: kinds without a decoder', async () => {
  const tiles = { tile: true, tileWidth: 16, tileHeight: 16 };
  const plain = await picture()
    .tiff({ compression: 'none', ...tiles })
    .toBuffer();
  for (const [changed, kind] of [
    [tag(284, 3, 2), 'tiles of one channel'],
    [tag(262, 3, 8), 'Lab'],
    [tag(258, 3, 12), '12-bit'],
  ] as const)
    assert.match(
      await refusal(withTag(plain, changed)),
      new RegExp(`^UNSUPPORTED_IMAGE x: found a TIFF .*${kind}.* Convert it to PNG`),
    );
});

test('the files of ../shared/cases', async () => {
  const folder = sharedPath('cases/whole-but-called-damaged');
  if (folder === undefined) return;
  const expected: Readonly<Record<string, RegExp>> = {
    '12bit.cropped.tif': /UNSUPPORTED_IMAGE.*12-bit/,
    'lab.tif': /UNSUPPORTED_IMAGE.*Lab/,
    'tiled_planar.tif': /UNSUPPORTED_IMAGE.*tiles of one channel/,
  };
  for (const name of (await readdir(folder)).filter((each) => !each.endsWith('.md'))) {
    const file = await readFile(join(folder, name));
    if (expected[name]) assert.match(await refusal(file), expected[name]);
    else {
      const decoded = await decodePicture(file, name);
      assert.is(decoded.warnings?.length, 1, name);
      assert.equal((await fidelityOf(decoded, await encodePicture(decoded))).notKept, [], name);
    }
  }
});

test.run();
