// beta-MAP's climb, step by step: the objective J = beta ln p(y | C) + ln p(C) and the PSNR of the iterate, started at the
// noisy picture and at the posterior mean, on crops of CBSD68. Adam is beta-MAP's own; long climbs show where it leads,
// the product stops after five steps. With --save: docs/results/climb.json and the charts in docs/images.
// Usage: npm run bench -- climb [sigma] [crops] [side] [steps] [rate in sigma] [--save]
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openEngine } from '#src/core/engine/open-engine.js';
import { betaMap } from '#src/core/inference/beta-map.js';
import { calibratedBetaMap } from '#src/core/inference/calibration.js';
import { psnr } from '#src/core/metrics/index.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { gaussianNoise } from '#src/core/noise/index.js';
import { clamped } from '#src/core/picture.js';
import { lineChart } from '#src/figure/line-chart.js';
import { standaloneSvg } from '#src/figure/markup.js';
import { type NoisyCrop, noisyCrops } from '../pictures.js';
import { benchArguments, mean, openResults, rounded } from '../results.js';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const { args, isKept } = benchArguments();
const [sigmaText = '5', count = '3', sideText = '64', stepsText = '200', rateText = '0.15'] = args;
const [sigma255, side, steps, rate] = [sigmaText, sideText, stepsText, rateText].map(Number) as [
  number,
  number,
  number,
  number,
];
const sigma = sigma255 / 255;
const prior = await loadPrior(findPrior('natural'));
const engine = await openEngine(prior, { engine: 'onnx' });
const calibrated = calibratedBetaMap(prior.model, sigma);
const likelihood = gaussianNoise(sigma);

interface Course {
  readonly objective: readonly number[];
  readonly psnr: readonly number[];
}

/** Every point of the clean prior's that the climb asks for is an iterate; the start's own evaluation is another's. */
async function courseOf({ clean, noisy }: NoisyCrop, start: 'noisy' | 'posterior-mean'): Promise<Course> {
  const shape = { channels: 3, height: side, width: side };
  const climb = betaMap(noisy, sigma, { ...calibrated, start, steps, rate, polish: false });
  const course: { objective: number[]; psnr: number[] } = { objective: [], psnr: [] };
  let next = climb.next();
  while (!next.done) {
    const request = next.value;
    const point = request.y.slice();
    const answer = await engine.evaluate({ shape, y: request.y.slice(), sigma: request.sigma });
    if (request.sigma === calibrated.priorSigma) {
      const joint = calibrated.beta * likelihood.logLikelihood(point, noisy) + answer.logDensity;
      course.objective.push(joint / noisy.length);
      course.psnr.push(psnr(clean, clamped(point)));
    }
    next = climb.next(answer);
  }
  return course;
}

const crops = await noisyCrops(Number(count), side, sigma255);
const results = await openResults('climb', ['start'], 'npm run bench -- climb --save', isKept);
const courses: { name: string; objective: number[]; psnr: number[] }[] = [];
for (const start of ['noisy', 'posterior-mean'] as const) {
  const all: Course[] = [];
  for (const crop of crops) all.push(await courseOf(crop, start));
  // A climb that has converged stays where it is.
  const length = Math.max(...all.map(({ psnr: values }) => values.length));
  const meanOf = (key: keyof Course) =>
    Array.from({ length }, (_, i) => mean(all.map((course) => course[key][i] ?? course[key].at(-1) ?? 0)));
  const [objective, quality] = [rounded(meanOf('objective')), rounded(meanOf('psnr'))];
  courses.push({
    name: start === 'noisy' ? 'from the noisy picture' : 'from the posterior mean',
    objective,
    psnr: quality,
  });
  await results.put({ start, sigma: sigma255, crops: crops.length, side, rate, objective, psnr: quality });
  const best = Math.max(...quality);
  console.log(
    `${start}: PSNR ${quality[0]?.toFixed(2)} at first, at most ${best.toFixed(2)} after ${quality.indexOf(best)} steps, ` +
      `${quality.at(-1)?.toFixed(2)} dB in the end; objective ${objective[0]?.toFixed(3)} to ${objective.at(-1)?.toFixed(3)} nats a sample`,
  );
}
await engine.close();
if (isKept)
  for (const [key, yLabel] of [
    ['psnr', 'PSNR of the iterate, dB'],
    ['objective', 'objective, nats a sample'],
  ] as const) {
    const chart = lineChart({
      title: `beta-MAP at sigma ${sigma255}, ${crops.length} crops of ${side} x ${side}: ${key === 'psnr' ? 'PSNR' : 'objective'}`,
      xLabel: 'Adam steps',
      yLabel,
      series: courses.map((course) => ({
        name: course.name,
        points: course[key].map((value, step) => [step, value] as const),
      })),
    });
    await writeFile(`${IMAGES}climb-${key}.svg`, standaloneSvg(chart));
  }
