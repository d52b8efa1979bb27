// The estimate of sigma over all of CBSD68: mean absolute error (and mean error) in 8-bit units, for unclipped
// noise in floats and for noise clipped and rounded to 8 bit; and what clean pictures give. What it costs, with all
// else that is asked of the noise: bench/speed/find-noise.ts.
// Usage: node --import tsx bench/noise/estimate-sigma.ts [pictures] [folder under ../shared] [colour | grey]
import { estimateSigma, type SigmaEstimate } from '#src/core/noise/estimate/white/estimate-sigma.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { readPictures, toBytes, toFloats } from '../pictures.js';
import { mean } from '../results.js';

const [count = '68', folder = 'data/cbsd68', colour = 'colour'] = process.argv.slice(2);
const pictures = await readPictures(count, folder, colour === 'grey' ? 1 : 3);
const fixed = (values: readonly number[]) => values.map((value) => value.toFixed(3)).join(' / ');

for (const kind of ['unclipped', '8 bit'] as const)
  for (const sigma of [5, 10, 15, 25, 50]) {
    const estimates: SigmaEstimate[] = [];
    for (const [index, picture] of pictures.entries()) {
      const noisy = addGaussianNoise(toFloats(picture.data), sigma / 255, 1000 + index);
      estimates.push(await estimateSigma({ ...picture, data: kind === '8 bit' ? toBytes(noisy) : noisy }));
    }
    const errors = estimates.map(({ sigma255 }) => sigma255 - sigma);
    const sizes = errors.map(Math.abs);
    const split = estimates.filter(({ perChannel255 }) => new Set(perChannel255).size > 1).length;
    console.log(
      `${kind} sigma ${sigma}: mean absolute error, mean error, worst ${fixed([mean(sizes), mean(errors), Math.max(...sizes)])}; ` +
        `luma ${fixed([mean(estimates.map(({ luma255 }) => Math.abs(luma255 - sigma)))])}; ` +
        `confidence mean, least ${fixed([mean(estimates.map((e) => e.confidence)), Math.min(...estimates.map((e) => e.confidence))])}; ` +
        `channels told apart in ${split}`,
    );
  }

const clean = await Promise.all(pictures.map(estimateSigma));
const under = clean.filter(({ sigma255 }) => sigma255 < 1.5).length;
console.log(
  `clean: ${under} of ${clean.length} under 1.5 (luma alone ${clean.filter(({ luma255 }) => luma255 < 1.5).length}), ` +
    `${clean.filter(({ isClean }) => isClean).length} said to be clean, mean ${mean(clean.map((e) => e.sigma255)).toFixed(2)}`,
);
