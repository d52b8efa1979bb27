// A sigma that suits no picture at all is said before any picture is opened.
import { FlowDenoiseError } from '../../core/errors.js';
import type { Denoiser } from '../denoiser.js';

/** A sigma that is right in a file's numbers is too small where they fill little of their container. */
const HINT =
  '; where samples fill little of their container, pass black and white too, and sigma in 1/255 of white - black';

/**
 * Refuses a sigma that the prior knows neither in colour nor in grey. One that suits some pictures fails the others
 * only.
 *
 * @param name  what the user called it
 * @throws      FlowDenoiseError SIGMA_OUT_OF_RANGE
 */
export function refuseSigma(
  sigma: number | 'auto',
  { prior, sigmaRange }: Pick<Denoiser, 'prior' | 'sigmaRange'>,
  name = 'sigma',
): void {
  if (!sigmaRange || sigma === 'auto') return;
  if (Object.values(sigmaRange).some(([least, most]) => sigma >= least && sigma <= most)) return;
  const { colour, grey } = sigmaRange;
  throw new FlowDenoiseError(
    'SIGMA_OUT_OF_RANGE',
    `Expected a number from ${colour[0]} to ${colour[1]} (grey pictures: ${grey[0]} to ${grey[1]}) for ${name} with ` +
      `prior ${prior} but received ${sigma}${sigma < colour[0] ? HINT : ''}`,
  );
}
