// What the measured details of noise are, from its spectrum: by integrating over frequencies.
import { BANDS, bandResponse, DETAIL_POWERS, MEASURED } from '#src/core/noise/model/bands.js';

/** The details' powers over those of white noise. */
export function detailsOf(spectrum: readonly number[]): number[] {
  const steps = 96;
  return DETAIL_POWERS.map((white, m) => {
    let sum = 0;
    for (let i = 0; i < steps; i++)
      for (let j = 0; j < steps; j++) {
        const [fx, fy] = [(i + 0.5) / (2 * steps), (j + 0.5) / (2 * steps)];
        const power = spectrum.reduce((total, p, b) => total + p * bandResponse(b, BANDS - 1, fx, fy), 0);
        sum += power * bandResponse(m, MEASURED, fx, fy) ** 2;
      }
    return sum / steps ** 2 / white;
  });
}
