// Graphics as scenes for the noise network: flat areas, boxes, discs, lines and rows of strokes like text, with and
// without smooth edges. Pictures of this kind are mostly clean, and what is noise in them must be learned too.
import { blurred } from '#src/core/noise/simulate/filters.js';
import type { Draws } from '../draws.js';

type Colour = readonly [number, number, number];

/** @returns planar [3, side, side] in [0, 1] */
export function drawnGraphics(side: number, draws: Draws): Float32Array {
  const scene = new Float32Array(3 * side * side);
  const isDark = draws.chance(0.3);
  const isGrey = draws.chance(0.4);
  const colour = (low: number, high: number): Colour => {
    const value = draws.uniform(low, high);
    return isGrey
      ? [value, value, value]
      : [draws.uniform(low, high), draws.uniform(low, high), draws.uniform(low, high)];
  };
  const paper = isDark ? colour(0, 0.3) : draws.chance(0.5) ? ([1, 1, 1] as const) : colour(0.7, 1);
  fill(scene, side, paper, () => true, [0, 0, side, side]);
  for (let i = 0; i < draws.uniform(0, 8); i++) {
    const [x, y] = [draws.uniform(0, side), draws.uniform(0, side)];
    const [w, h] = [draws.uniform(4, side / 2), draws.uniform(4, side / 2)];
    const isDisc = draws.chance(0.3);
    fill(
      scene,
      side,
      colour(0, 1),
      (u, v) => !isDisc || ((u - x - w / 2) / (w / 2)) ** 2 + ((v - y - h / 2) / (h / 2)) ** 2 < 1,
      [x, y, x + w, y + h],
    );
  }
  if (draws.chance(0.6)) strokes(scene, side, isDark ? colour(0.6, 1) : colour(0, 0.4), draws);
  const soft = draws.chance(0.6) ? draws.uniform(0.3, 0.7) : 0;
  if (soft > 0)
    for (let c = 0; c < 3; c++) {
      const plane = scene.subarray(c * side * side, (c + 1) * side * side);
      plane.set(blurred(plane.slice(), { width: side, height: side }, soft));
    }
  return scene;
}

/** Rows of short strokes of one thickness. */
function strokes(scene: Float32Array, side: number, ink: Colour, draws: Draws): void {
  const height = draws.uniform(6, 22);
  const thick = Math.max(1, height / draws.uniform(5, 10));
  for (let top = draws.uniform(0, height); top < side; top += 1.6 * height) {
    let x = draws.uniform(0, 10);
    while (x < side) {
      const width = draws.uniform(0.3, 0.7) * height;
      for (let stroke = 0; stroke < 3; stroke++) {
        const isUpright = draws.chance(0.5);
        const along = draws.uniform(0, 1);
        fill(
          scene,
          side,
          ink,
          () => true,
          isUpright
            ? [x + along * (width - thick), top, x + along * (width - thick) + thick, top + height]
            : [x, top + along * (height - thick), x + width, top + along * (height - thick) + thick],
        );
      }
      x += width + draws.uniform(0.1, 0.9) * height * (draws.chance(0.2) ? 2 : 0.5);
    }
  }
}

function fill(
  scene: Float32Array,
  side: number,
  colour: Colour,
  isInside: (x: number, y: number) => boolean,
  [left, top, right, bottom]: readonly [number, number, number, number],
): void {
  const clip = (value: number) => Math.min(side, Math.max(0, Math.round(value)));
  for (let y = clip(top); y < clip(bottom); y++)
    for (let x = clip(left); x < clip(right); x++)
      if (isInside(x, y)) for (let c = 0; c < 3; c++) scene[(c * side + y) * side + x] = colour[c] as number;
}
