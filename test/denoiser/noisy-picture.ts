// Small pictures with noise, made on the spot, for the denoiser's tests.
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Channels, Picture } from '#src/core/picture.js';

export interface NoisyPicture {
  readonly clean: Float32Array;
  readonly noisy: Picture<Float32Array>;
}

/** Smooth waves in every channel plus Gaussian noise; alpha, where there is one, is a pattern without noise. */
export function noisyPicture(
  width: number,
  height: number,
  channels: Channels,
  sigma255: number,
): NoisyPicture {
  const hasAlpha = channels % 2 === 0;
  const isAlpha = (i: number) => hasAlpha && i % channels === channels - 1;
  const clean = Float32Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    if (isAlpha(i)) return (1 + ((7 * x + 3 * y) % 10)) / 10;
    return 0.5 + 0.3 * Math.sin(x / 9 + (i % channels)) * Math.cos(y / 11);
  });
  const added = addGaussianNoise(clean, sigma255 / 255, width + height);
  const data = added.map((value, i) => (isAlpha(i) ? (clean[i] as number) : value));
  return { clean, noisy: { data, width, height, channels } };
}

/** Samples without (or only) alpha. */
export function samplesOf<A extends Float32Array | Uint8Array | Uint16Array>(
  data: A,
  channels: Channels,
  which: 'colour' | 'alpha',
): A {
  const isAlpha = (_: unknown, i: number) => channels % 2 === 0 && i % channels === channels - 1;
  return data.filter((value, i) => isAlpha(value, i) === (which === 'alpha')) as A;
}
