// Checks a noise profile that comes from a call or a file, before it is used.
import { z } from 'zod';
import { badOption } from '../../errors.js';
import { BANDS } from './bands.js';
import type { NoiseProfile } from './noise-profile.js';

const MOST_KNOTS = 64;

const brightnessSchema = z
  .array(z.number().min(-1).max(2))
  .min(1)
  .max(MOST_KNOTS)
  .refine(
    (values) => values.every((value, i) => i === 0 || value > (values[i - 1] as number)),
    'expected rising numbers',
  );

const channelSchema = z.strictObject({
  level: z.array(z.number().min(0).max(1)).min(1).max(MOST_KNOTS),
  spectrum: z
    .array(z.number().min(0).max(1e4))
    .length(BANDS)
    .refine((powers) => powers.some((power) => power > 0), 'expected a power above 0 in some band'),
});

const profileSchema = z
  .strictObject({
    format: z.literal('flow-denoise-noise').optional(),
    version: z.literal(1).optional(),
    brightness: brightnessSchema,
    channels: z
      .array(channelSchema)
      .refine(({ length }) => length === 1 || length === 3, 'expected 1 channel (grey) or 3 (colour)'),
  })
  .superRefine(({ brightness: { length }, channels }, context) => {
    const wrong = channels.findIndex(({ level }) => level.length !== length);
    if (wrong === -1) return;
    const message = `expected a level for each of the ${length} brightnesses`;
    context.addIssue({ code: 'custom', path: ['channels', wrong, 'level'], message });
  });

/** A profile, or the content of a profile's file. */
export type GivenNoiseProfile = NoiseProfile & {
  readonly format?: 'flow-denoise-noise' | undefined;
  readonly version?: 1 | undefined;
};

/** Whether a value is meant as a profile, valid or not. */
export function isNoiseProfile(value: unknown): value is GivenNoiseProfile {
  return typeof value === 'object' && value !== null && ('channels' in value || 'brightness' in value);
}

/** Describes the error in a profile; undefined if it is valid. */
export function faultOfNoiseProfile(value: unknown): string | undefined {
  const issue = profileSchema.safeParse(value).error?.issues[0];
  if (!issue) return undefined;
  const place = z.core.toDotPath(issue.path);
  return place === '' ? issue.message : `${place}: ${issue.message}`;
}

/** Checks what a file holds. @throws FlowDenoiseError BAD_OPTION with the file's name, the wrong entry and what was expected */
export function parseNoiseProfile(value: unknown, name: string): NoiseProfile {
  const fault = faultOfNoiseProfile(value);
  if (fault !== undefined)
    throw badOption(
      `${name}: expected a noise profile, but ${fault}; correct it, or write a new one with flow-denoise noise`,
    );
  const { brightness, channels } = value as NoiseProfile;
  return { brightness, channels };
}

/** The content of a profile's file. Five digits are more than any estimate needs. */
export function noiseProfileText({ brightness, channels }: NoiseProfile): string {
  const short = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(5)));
  const rounded = channels.map(({ level, spectrum }) => ({ level: short(level), spectrum: short(spectrum) }));
  const file = { format: 'flow-denoise-noise', version: 1, brightness: short(brightness), channels: rounded };
  // Each list of numbers goes on one line.
  const text = JSON.stringify(file, null, 2).replaceAll(/\[[^[\]{}]*\]/g, (list) =>
    list.replaceAll(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
  return `${text}\n`;
}
