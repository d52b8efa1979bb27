// Whether a prior knows a sigma: asked for all pictures before any is opened, and for each once it is known to be grey or not.
import { FlowDenoiseError } from '../../core/errors.js';
import type { Denoiser } from '../denoiser.js';

/** A sigma that is right in a file's numbers is too small where they fill little of their container. */
const RANGE_HINT =
  'if the samples fill little of their container, pass black and white too, and sigma in 1/255 of white - black';

interface SigmaUse {
  /** What the user calls it. */
  readonly name?: string;
  /** Of the picture; without it, a sigma that suits either kind passes. */
  readonly kind?: 'colour' | 'grey';
}

/**
 * @param sigma  8-bit units
 * @throws       FlowDenoiseError SIGMA_OUT_OF_RANGE
 */
export function checkSigma(
  sigma: number | 'auto',
  { prior, sigmaRange }: Pick<Denoiser, 'prior' | 'sigmaRange'>,
  { name = 'sigma', kind }: SigmaUse = {},
): void {
  if (!sigmaRange || sigma === 'auto') return;
  const asked = kind ? [sigmaRange[kind]] : [sigmaRange.colour, sigmaRange.grey];
  if (asked.some(([least, most]) => sigma >= least && sigma <= most)) return;
  const { colour, grey } = sigmaRange;
  const [least, most] = kind === 'grey' ? grey : colour;
  const other = kind === undefined ? ` (grey pictures: ${grey[0]} to ${grey[1]})` : '';
  const picture = kind === 'grey' ? ' on a grey picture' : '';
  const advice =
    sigma < least
      ? `noise that faint is best left alone; ${RANGE_HINT}`
      : 'use a prior that is trained for stronger noise';
  throw new FlowDenoiseError(
    'SIGMA_OUT_OF_RANGE',
    `Expected a number from ${least} to ${most}${other} for ${name} with prior ${prior}${picture} but received ${sigma}; ${advice}`,
  );
}
