// Files of many tiny parts: one clear error, whatever the format, and nothing made of the parts.
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { decodePicture, encodePicture } from '#src/image/index.js';

const MANY = 200_000;
const FEW = 500;

const picture = () => sharp(Buffer.alloc(3 * 16 * 16, 90), { raw: { width: 16, height: 16, channels: 3 } });

function repeated(part: Buffer, count: number): Buffer {
  return Buffer.alloc(part.length * count, part);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** Frames of an animation that hold chunks of nothing: in all too many, in none of them. */
test('chunks in the frames of an animated WebP are counted together', async () => {
  const frame = Buffer.concat([Buffer.alloc(16), repeated(Buffer.from('abcd\0\0\0\0', 'latin1'), 9000)]);
  const head = Buffer.from('ANMF\0\0\0\0', 'latin1');
  head.writeUInt32LE(frame.length, 4);
  const start = 'WEBPVP8X\x0a\0\0\0\x02\0\0\0\x0f\0\0\x0f\0\0ANIM\x06\0\0\0\0\0\0\0\0\0';
  const file = riff(Buffer.concat([Buffer.from(start, 'latin1'), head, frame, head, frame]));
  const error = await decodePicture(file, 'many', { animations: true }).catch((reason: unknown) => reason);
  assert.match((error as Error).message, /^many: found more than 10000 chunks/);
});

test('GIF comments are counted', async () => {
  const file = await picture().gif().toBuffer();
  const start = 13 + 3 * 2 ** (((file[10] as number) & 7) + 1);
  const comments = repeated(Buffer.from([0x21, 0xfe, 0]), MANY);
  const many = Buffer.concat([file.subarray(0, start), comments, file.subarray(start)]);
  const error = await decodePicture(many, 'many').catch((reason: unknown) => reason);
  assert.match((error as Error).message, /^many: found more than 10000 frames and extensions/);
});

function riff(body: Buffer): Buffer {
  const head = Buffer.from('RIFF\0\0\0\0', 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** A TIFF directory of `count` tags whose values are the whole file, at its end. */
function tiffOf(count: number, tiff: Buffer): Buffer {
  const directory = Buffer.alloc(2 + 12 * count + 4);
  directory.writeUInt16LE(count, 0);
  for (let i = 0; i < count; i++) {
    const at = 2 + 12 * i;
    directory.writeUInt16LE(50_000, at);
    directory.writeUInt16LE(1, at + 2);
    directory.writeUInt32LE(tiff.length, at + 4);
  }
  const out = Buffer.concat([tiff, directory]);
  out.writeUInt32LE(tiff.length, 4);
  return out;
}

const makers: Readonly<Record<string, (count: number) => Promise<Buffer>>> = {
  async 'JPEG comments'(count) {
    const file = await picture().jpeg().toBuffer();
    const comments = repeated(Buffer.from([0xff, 0xfe, 0, 2]), count);
    return Buffer.concat([file.subarray(0, 2), comments, file.subarray(2)]);
  },
  async 'PNG texts before the data'(count) {
    const file = await picture().png().toBuffer();
    const texts = repeated(chunk('tEXt', Buffer.from('a\0b')), count);
    return Buffer.concat([file.subarray(0, 33), texts, file.subarray(33)]);
  },
  async 'PNG texts after the data'(count) {
    const file = await picture().png().toBuffer();
    const texts = repeated(chunk('tEXt', Buffer.from('a\0b')), count);
    return Buffer.concat([file.subarray(0, -12), texts, file.subarray(-12)]);
  },
  async 'WebP chunks'(count) {
    const file = await picture().webp({ lossless: true }).toBuffer();
    const header = Buffer.from('VP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0', 'latin1');
    const chunks = repeated(Buffer.from('abcd\0\0\0\0', 'latin1'), count);
    return riff(Buffer.concat([Buffer.from('WEBP'), header, file.subarray(12), chunks]));
  },
};

for (const [what, make] of Object.entries(makers)) {
  test(`${MANY} ${what} are refused in one line`, async () => {
    const error = await decodePicture(await make(MANY), 'many').then(
      () => assert.unreachable(),
      (reason: unknown) => reason,
    );
    assert.instance(error, FlowDenoiseError);
    assert.is((error as FlowDenoiseError).code, 'UNSUPPORTED_IMAGE');
    assert.match((error as Error).message, /^many: found more than 10000 [^\n]+ Save it again/);
  });

  test(`${FEW} ${what} are kept`, async () => {
    const file = await make(FEW);
    const encoded = await encodePicture(await decodePicture(file, 'few'));
    assert.ok(encoded.length > FEW * 4);
    assert.equal((await decodePicture(encoded, 'again')).traits, (await decodePicture(file, 'few')).traits);
  });
}

test('TIFF tags that share their bytes are not copied again and again', async () => {
  const tiff = await picture().tiff({ compression: 'none' }).toBuffer();
  const error = await decodePicture(tiffOf(60_000, tiff), 'tags').catch((reason: unknown) => reason);
  assert.instance(error, FlowDenoiseError);
  assert.match((error as Error).message, /^tags: found tags with more than the file's \d+ bytes/);
});

test('TIFF directories that point to one another are read once', async () => {
  const tags = 5000;
  const directory = Buffer.alloc(8 + 2 + 12 * tags + 4);
  directory.write('II*\0\x08\0\0\0', 'latin1');
  directory.writeUInt16LE(tags, 8);
  for (let i = 0; i < tags; i++) {
    // EXIF pointers, all to this directory.
    directory.writeUInt16LE(34_665, 10 + 12 * i);
    directory.writeUInt16LE(4, 12 + 12 * i);
    directory.writeUInt32LE(1, 14 + 12 * i);
    directory.writeUInt32LE(8, 18 + 12 * i);
  }
  const error = await decodePicture(directory, 'loop').catch((reason: unknown) => reason);
  assert.match((error as Error).message, /^loop: found more than 10000 tags/);
});

test('a PNG whose data come in many chunks is whole', async () => {
  const file = await picture().png().toBuffer();
  const at = file.indexOf('IDAT') - 4;
  const end = at + 12 + file.readUInt32BE(at);
  const data = file.subarray(at + 8, end - 4);
  const pieces = Array.from({ length: data.length }, (_, i) => chunk('IDAT', data.subarray(i, i + 1)));
  const empty = repeated(chunk('IDAT', Buffer.alloc(0)), 20_000);
  const split = Buffer.concat([file.subarray(0, at), ...pieces, empty, file.subarray(end)]);
  const { picture: decoded } = await decodePicture(split, 'split');
  assert.equal(decoded.data, (await decodePicture(file, 'whole')).picture.data);
});

test.run();
