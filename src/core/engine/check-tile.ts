// The tile on which engines are compared. It never changes, so its score can be stored.
import { addGaussianNoise } from '../noise/simulate/add-noise.js';
import type { TilePoint } from './engine.js';

const SIGMA = 25 / 255;

/** The bound on how far engines may differ on it, see docs/architecture.md. */
export const MOST_DEVIATION = 1e-4;

/** One tile with edges, ramps and waves, and Gaussian noise of sigma 25/255. Its side is a multiple of the squeeze factor. */
export function checkTile(side = 64): TilePoint {
  const clean = new Float32Array(3 * side * side);
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const [x, y] = [column / side, row / side];
        const wave = 0.15 * Math.sin(2 * Math.PI * ((2 + channel) * x + 3 * y));
        const edge = (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06 ? 0.25 : 0;
        clean[(channel * side + row) * side + column] = 0.2 + 0.35 * y + wave + edge;
      }
    }
  }
  return {
    shape: { channels: 3, height: side, width: side },
    y: addGaussianNoise(clean, SIGMA, 20),
    sigma: SIGMA,
  };
}

/** The norm of the difference, divided by the norm of the expected score. */
export function deviation(score: Float32Array, expected: ArrayLike<number>): number {
  let [differences, squares] = [0, 0];
  for (let i = 0; i < score.length; i++) {
    const wanted = expected[i] as number;
    differences += ((score[i] as number) - wanted) ** 2;
    squares += wanted * wanted;
  }
  return score.length === expected.length ? Math.sqrt(differences / squares) : Number.NaN;
}
