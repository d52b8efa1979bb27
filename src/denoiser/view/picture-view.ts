// The view of a picture that later steps see: samples between black and white point, odd pixels filled. A picture in its
// container's range without odd pixels is its own view.
import {
  colourChannels,
  copyOf,
  type Picture,
  type Region,
  type Samples,
  whiteLevel,
} from '../../core/picture.js';
import { cutOut } from '../../tile/extract.js';
import type { NoiseOfCall } from '../noise/noise-options.js';
import { inChunks } from '../passes/grey.js';
import { fillOdd } from './fill.js';
import { findOddPixels } from './odd-pixels.js';
import { containerRange, findRange, givenRange, isContainers, type SampleRange } from './sample-range.js';
import { surveyOf } from './survey.js';

type ViewOptions = Pick<NoiseOfCall, 'sigma' | 'noise' | 'sigmaMap' | 'black' | 'white'>;

/** @throws FlowDenoiseError BAD_OPTION if white is not above black */
export async function viewOf<S extends Samples>(picture: Picture<S>, options: ViewOptions) {
  const given = givenRange(picture, options);
  const survey = surveyOf(picture);
  const found = given ?? findRange(picture, survey);
  // Given noise means the same in every picture, so it must not depend on a range found in the picture.
  const isNoiseFound = options.sigma === 'auto' && typeof options.noise !== 'object' && !options.sigmaMap;
  const isUsed = given !== undefined || isNoiseFound;
  const range = isUsed ? found : containerRange(picture);
  const hint =
    isUsed || !found.isFound
      ? undefined
      : `the samples lie between ${found.black} and ${found.white}: pass these as black and white, and the noise in 1/255 of white - black`;
  // Where few photons are, most samples are equal, and the survey sees no noise.
  const photon = typeof options.noise === 'object' && 'gain' in options.noise ? options.noise.gain / 255 : 0;
  const noise = Math.max(survey.noise, photon * (range.white - range.black));
  const odd = await findOddPixels(picture, range, noise);
  const shown = await shownOf(picture, range, odd);
  return {
    /** Same size and channels; Float32 if the range is not the container's. */
    shown,
    range,
    /** 1 for pixels that the prior does not see and that do not change; undefined if there are none. */
    odd,
    /** Their number. */
    oddPixels: odd ? odd.reduce((sum, isOdd) => sum + isOdd, 0) : 0,
    /** For messages: set if noise options were given for samples that fill little of their container. */
    hint,
    /** Maps the denoised `shown`, or a region of it, back to the picture's own numbers. May modify it. */
    async restore(denoised: Samples, region?: Region): Promise<S> {
      if (shown === picture) return denoised as S;
      const part = (whole: Picture): Picture => (region ? cutOut(whole, region) : whole);
      const mask = odd && part({ ...picture, data: odd, channels: 1 }).data;
      return restored(part(picture) as Picture<S>, part(shown).data, denoised, range, mask);
    },
  };
}

async function shownOf(picture: Picture, range: SampleRange, odd: Uint8Array | undefined): Promise<Picture> {
  const isWhole = isContainers(range, picture);
  if (isWhole && !odd) return picture;
  const data = isWhole ? copyOf(picture.data) : await scaled(picture, range);
  if (odd) await fillOdd({ ...picture, data }, odd, 'interleaved');
  return { ...picture, data };
}

/** Alpha becomes 1, or 0 if it hides the pixel. */
async function scaled({ data, channels }: Picture, { black, white }: SampleRange): Promise<Float32Array> {
  const out = new Float32Array(data.length);
  const colours = colourChannels(channels);
  await inChunks(data.length, (from, to) => {
    for (let i = from; i < to; i++)
      out[i] =
        i % channels < colours
          ? ((data[i] as number) - black) / (white - black)
          : Math.sign(data[i] as number);
  });
  return out;
}

/** Adds the changes to the picture's samples; odd pixels and alpha stay. */
async function restored<S extends Samples>(
  { data, width, height, channels }: Picture<S>,
  shown: Samples,
  denoised: Samples,
  range: SampleRange,
  odd: Samples | undefined,
): Promise<S> {
  const out = copyOf(data);
  const colours = colourChannels(channels);
  const most = data instanceof Float32Array ? undefined : whiteLevel(data);
  const unit = (range.white - range.black) / whiteLevel(shown);
  await inChunks(width * height, (from, to) => {
    for (let pixel = from; pixel < to; pixel++) {
      if (odd?.[pixel] === 1) continue;
      for (let c = 0; c < colours; c++) {
        const i = pixel * channels + c;
        const change = (denoised[i] as number) - (shown[i] as number);
        if (change === 0) continue;
        const value = (data[i] as number) + change * unit;
        out[i] = most === undefined ? value : Math.min(most, Math.max(0, Math.floor(value + 0.5)));
      }
    }
  });
  return out;
}
