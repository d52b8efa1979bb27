// Pictures and files that the image tests make: samples with every value, and sharp pipelines that write them
// unconverted. Independent of src/image.
import assert from 'node:assert/strict';
import sharp, { type Sharp } from 'sharp';
import type { Channels, Picture, Samples } from '#src/core/picture.js';

export const WIDTH = 37;
export const HEIGHT = 23;

/** Samples that spread over the whole range, alpha 0 and colour above it included. */
export function samples8(channels: Channels): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) =>
    channels % 2 === 0 && i % (5 * channels) === channels - 1 ? 0 : (i * 7919 + 13) % 256,
  );
}

export function samples16(channels: Channels): Uint16Array {
  return Uint16Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) =>
    channels % 2 === 0 && i % (5 * channels) === channels - 1 ? 0 : (i * 7919 + 13) % 65536,
  );
}

/** Floats below 0 and above 1 too. */
export function samplesFloat(channels: Channels): Float32Array {
  return Float32Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => ((i * 7919) % 1013) / 700 - 0.2);
}

/** A sharp pipeline that starts from 8- or 16-bit samples and converts nothing. */
export function pipelineOf(data: Uint8Array | Uint16Array, channels: Channels): Sharp {
  const [grey, colour] = data instanceof Uint16Array ? ['grey16', 'rgb16'] : ['b-w', 'srgb'];
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } }).toColourspace(
    (channels <= 2 ? grey : colour) as string,
  );
}

/** The file's samples channel by channel, read by sharp alone. */
export async function planesOf(file: Buffer): Promise<Samples[]> {
  const { channels, depth, space } = await sharp(file).metadata();
  return Promise.all(
    ([0, 1, 2, 3] as const).slice(0, channels).map(async (channel) => {
      const plane = sharp(file, { ignoreIcc: true }).toColourspace(space).extractChannel(channel);
      const raw = new Uint8Array(await plane.raw({ depth }).toBuffer());
      if (depth === 'ushort') return new Uint16Array(raw.buffer);
      return depth === 'float' ? new Float32Array(raw.buffer) : raw;
    }),
  );
}

/** Asserts that the file, as sharp alone reads it, holds exactly the picture's samples. */
export async function assertHolds(file: Buffer, picture: Picture): Promise<void> {
  const planes = await planesOf(file);
  assert.equal(planes.length, picture.channels);
  planes.forEach((plane, channel) => {
    assert.equal(plane.constructor, picture.data.constructor);
    assert.deepEqual(
      plane,
      picture.data.filter((_, i) => i % picture.channels === channel),
      `channel ${channel}`,
    );
  });
}

/** The decoded picture with other samples, to encode it. */
export function withSamples<Decoded extends { readonly picture: Picture }>(
  decoded: Decoded,
  data: Samples,
): Decoded {
  return { ...decoded, picture: { ...decoded.picture, data } };
}

/** A tiny EXIF block: little-endian TIFF with orientation 6 and an Artist, as sharp writes it. */
export const exif = { IFD0: { Artist: 'Ada', Orientation: '6' }, IFD2: { LensModel: 'a lens' } };

export const xmp =
  '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>';
