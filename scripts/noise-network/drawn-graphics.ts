// Graphics as scenes for the noise network: flat areas, boxes, discs, rows of strokes like text, and regular texture, with and
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
  if (draws.chance(0.35)) texture(scene, side, draws);
  else if (draws.chance(0.6)) strokes(scene, side, isDark ? colour(0.6, 1) : colour(0, 0.4), draws);
  const soft = draws.chance(0.6) ? draws.uniform(0.3, 0.7) : 0;
  if (soft > 0)
    for (let c = 0; c < 3; c++) {
      const plane = scene.subarray(c * side * side, (c + 1) * side * side);
      plane.set(blurred(plane.slice(), { width: side, height: side }, soft));
    }
  return scene;
}

/**
 * A motif that repeats, as windows, bricks, tiles and fabric do: in rows at any angle, each with its own strength, so that some
 * windows are lit and some are not. It covers the picture or a part of it.
 */
function texture(scene: Float32Array, side: number, draws: Draws): void {
  const [step, aspect] = [draws.logUniform(2.5, 24), draws.logUniform(0.5, 2)];
  const angle = draws.chance(0.5) ? draws.uniform(-0.1, 0.1) : draws.uniform(0, Math.PI);
  const [cos, sin] = [Math.cos(angle) / step, Math.sin(angle) / step];
  const shift = draws.uniform(0, 1);
  const cells = 2 * Math.ceil((2 * side) / step) + 2;
  const litShare = draws.chance(0.5) ? 1 : draws.uniform(0.2, 0.9);
  const spread = draws.uniform(0, 0.6);
  const strengths = new Map<number, number>();
  const strengthAt = (cell: number) => {
    const known = strengths.get(cell) ?? (draws.chance(litShare) ? 1 - spread * draws.uniform(0, 1) : 0);
    strengths.set(cell, known);
    return known;
  };
  const share = [draws.uniform(0.2, 0.9), draws.uniform(0.2, 0.9)] as const;
  const isWave = draws.chance(0.4);
  const ink = [0, 1, 2].map(() => draws.uniform(-0.6, 0.6));
  const tint = draws.chance(0.6) ? [ink[0], ink[0], ink[0]] : ink;
  const [from, to] = draws.chance(0.5)
    ? [0, side]
    : [draws.uniform(0, side / 2), draws.uniform(side / 2, side)];
  for (let y = Math.floor(from); y < to; y++)
    for (let x = 0; x < side; x++) {
      const v = (cos * y - sin * x) / aspect;
      const row = Math.floor(v);
      // Bricks: every other row is shifted.
      const u = cos * x + sin * y + (row % 2 === 0 ? 0 : shift);
      const column = Math.floor(u);
      const strength = strengthAt(row * cells + column);
      const amount = isWave
        ? 0.25 * (1 - Math.cos(2 * Math.PI * (u - column))) * (1 - Math.cos(2 * Math.PI * (v - row)))
        : u - column < share[0] && v - row < share[1]
          ? 1
          : 0;
      for (let c = 0; c < 3; c++) {
        const at = (c * side + y) * side + x;
        const value = (scene[at] as number) + strength * amount * (tint[c] as number);
        scene[at] = Math.min(1, Math.max(0, value));
      }
    }
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
