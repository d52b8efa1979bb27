// The opponent colours of a noise profile. The transform is orthonormal, so white noise stays white.
import { type NoiseProfile, scaledProfile } from './noise-profile.js';

const THIRD = Math.sqrt(1 / 3);
const SIXTH = Math.sqrt(1 / 6);

/** The transform as a matrix, [opponent][colour]. */
export const OPPONENT = [
  [THIRD, THIRD, THIRD],
  [Math.SQRT1_2, 0, -Math.SQRT1_2],
  [SIXTH, -2 * SIXTH, SIXTH],
] as const;

/**
 * R, G, B -> (R + G + B) / sqrt 3, (R - B) / sqrt 2, (R - 2 G + B) / sqrt 6, in place, for planar [3, plane]. Leaves a single
 * plane as it is.
 */
export function toOpponents(data: Float32Array | Float64Array, plane: number): void {
  if (data.length < 3 * plane) return;
  for (let i = 0; i < plane; i++) {
    const r = data[i] as number;
    const g = data[i + plane] as number;
    const b = data[i + 2 * plane] as number;
    data[i] = (r + g + b) * THIRD;
    data[i + plane] = (r - b) * Math.SQRT1_2;
    data[i + 2 * plane] = (r - 2 * g + b) * SIXTH;
  }
}

/** The inverse of `toOpponents`, in place. */
export function fromOpponents(data: Float32Array, plane: number): void {
  if (data.length < 3 * plane) return;
  for (let i = 0; i < plane; i++) {
    const y = (data[i] as number) * THIRD;
    const c = (data[i + plane] as number) * Math.SQRT1_2;
    const d = (data[i + 2 * plane] as number) * SIXTH;
    data[i] = y + c + d;
    data[i + plane] = y - 2 * d;
    data[i + 2 * plane] = y - c + d;
  }
}

/** The mean of the planes of [channels, pixels], 1 or 3 channels: [pixels]. */
export function brightnessOf({ data, channels }: { data: Float32Array; channels: number }): Float32Array {
  if (channels === 1) return data.slice();
  const plane = data.length / 3;
  const mean = new Float32Array(plane);
  for (let i = 0; i < plane; i++)
    mean[i] = ((data[i] as number) + (data[i + plane] as number) + (data[i + 2 * plane] as number)) / 3;
  return mean;
}

/**
 * The profile for a picture of one or three colour channels; undefined for a colour picture with a grey profile. A grey
 * picture is the mean of the three, so its noise is that of the luma over sqrt 3.
 */
export function profileFor(profile: NoiseProfile, channels: 1 | 3): NoiseProfile | undefined {
  if (profile.channels.length === channels) return profile;
  const [luma] = profile.channels;
  if (channels === 3 || !luma) return undefined;
  return scaledProfile({ brightness: profile.brightness, channels: [luma] }, THIRD);
}
