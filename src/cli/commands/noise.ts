// `flow-denoise noise`: reports the noise of pictures, and writes a profile for others of the same camera and ISO.

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import sharp from 'sharp';
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { readRegularFile, writeFileAtomic } from '../../core/files.js';
import { meanProfile, type NoiseProfile } from '../../core/noise/model/noise-profile.js';
import { noiseProfileText } from '../../core/noise/model/profile-schema.js';
import type { Region } from '../../core/picture.js';
import { printable } from '../../core/printable.js';
import {
  type AnalyseNoiseOptions,
  type NoiseAnalyser,
  openNoiseAnalyser,
} from '../../denoiser/noise/analyse-noise.js';
import { notBoth } from '../../denoiser/option-schema.js';
import { decodePicture } from '../../image/index.js';
import { type Found, foundJson, foundLines, profileLines, profileSvg } from '../display/noise-words.js';
import { eachPicture, openDisplay, say, writeLine } from '../display/progress.js';
import { readNoiseProfile } from '../noise-flags.js';
import { addOptions } from '../option-flags.js';
import { storedRegion } from '../preview/display-image.js';
import { refuseOther } from '../run/destination.js';
import { findInputs } from '../run/inputs.js';

const MOST_BYTES = 2 ** 31;

const TITLE = 'The noise of';
/** How our figures begin. */
const FIGURE = new RegExp(`^<\\?xml version="1.0" encoding="UTF-8"\\?>\\s*<svg [^>]*aria-label="${TITLE} `);

const EXAMPLES = `
Examples:
  flow-denoise noise photo.jpg                            the noise, and how it would be denoised
  flow-denoise noise iso6400/*.jpg -o iso6400.json --svg  one profile for all, and its figure iso6400.svg
  flow-denoise photos -o clean --noise iso6400.json       uses it
  flow-denoise noise card.png --region 200,80,400,300 -o iso6400.json    measured on a flat part
  flow-denoise noise shot.png --pair mean.png -o iso6400.json            measured against a clean picture

Use files of one camera at one ISO and with the same settings for a profile. Files that look clean are left out.
Levels are standard deviations in 8-bit units. docs/noise.md has the format.

Exit codes: 0 all read, 1 some file failed or no noise was found for the profile, 2 wrong usage, 130 interrupted.`;

interface RawOptions {
  readonly output?: string;
  readonly svg?: string | true;
  readonly region?: string;
  readonly pair?: string;
  readonly black?: number;
  readonly white?: number;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

export function describeNoise(command: Command, signal: AbortSignal): void {
  command
    .description('report the noise of pictures, and write a profile of it for --noise')
    .argument('<inputs...>', 'files, folders or globs');
  addOptions(command, {
    '-o, --output <file>': 'write a profile (.json); for several files, the mean of theirs',
    '--svg [file]': 'a figure of level and spectrum (default: beside --output)',
    '--region <x,y,width,height>': 'measure on a part that is flat in the scene, at least 32 x 32',
    '--pair <file>': 'measure against a clean picture of the same scene, such as the mean of many shots',
    '--black <number>': "the sample that means black, in the file's own numbers (default: found)",
    '--white <number>': 'the sample that means white',
    '--overwrite': 'replace an existing file that is not a noise profile or its figure',
    '--json': 'a line of JSON for every picture on stdout',
  })
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], options: RawOptions) => {
      process.exitCode = await noiseCommand(inputs, options, signal);
    });
}

/** Returns the exit code. */
async function noiseCommand(
  inputs: readonly string[],
  raw: RawOptions,
  signal: AbortSignal,
): Promise<number> {
  const { json = false, black, white } = raw;
  const { output, svg } = await targetsOf(raw);
  const region = raw.region === undefined ? undefined : regionOf(raw.region);
  if (region && raw.pair !== undefined) throw notBoth('--region', '--pair');
  if (raw.pair !== undefined && !existsSync(raw.pair))
    throw badOption(`No such file: ${printable(raw.pair)}`);
  const { jobs, notes } = await findInputs(inputs, { inPlace: true });
  for (const note of notes) say(note);
  const clean = raw.pair === undefined ? undefined : (await readPicture(raw.pair, signal)).picture;
  const options = { black, white, clean, signal };
  const analyser = openNoiseAnalyser();
  const found: Found[] = [];
  const analyse = async ({ input }: Pick<Found, 'input'>) => {
    const one = await analyseFile(input, region, options, analyser);
    found.push(one);
    for (const line of json ? [foundJson(one)] : foundLines(one)) writeLine(line);
  };
  const files = jobs.map(({ input }) => ({ input }));
  const context = { display: openDisplay(), signal };
  const failed = await eachPicture(files, analyse, context, json).finally(() => analyser.close());
  const failure = failed > 0 ? 1 : 0;
  if (output === undefined && svg === undefined) return failure;

  // A measurement counts whatever its level; an estimate of a clean picture does not describe the noise.
  const isMeasured = region !== undefined || clean !== undefined;
  const telling = isMeasured ? found : found.filter(({ noise }) => !noise.isClean);
  const [first] = telling;
  if (first === undefined) {
    say(
      'flow-denoise: no noise was found, so there is no profile to write; measure it with --region or --pair',
    );
    return 1;
  }
  const profile = meanProfile(sameColours(telling));
  const of = telling.length === 1 ? first.input : `${telling.length} pictures`;
  const write = (path: string, text: string) => writeFileAtomic(path, Buffer.from(text), { signal });
  if (output !== undefined) await write(output, noiseProfileText(profile));
  if (svg !== undefined) await write(svg, profileSvg(profile, `${TITLE} ${of}`));
  if (!json && telling.length > 1)
    for (const line of [`the mean of ${of}`, ...profileLines(profile)]) writeLine(line);
  const written = [output, svg].flatMap((path) => (path === undefined ? [] : printable(path)));
  say(`${written.join(' and ')} written, from ${printable(of)}`);
  return failure;
}

/** @throws FlowDenoiseError BAD_OPTION for a wrong extension, or a file with other content */
async function targetsOf({ output, svg, overwrite = false }: RawOptions) {
  if (output !== undefined && !/\.json$/i.test(output))
    throw badOption(`Expected a file ending in .json for --output but received '${output}'`);
  if (svg === true && output === undefined)
    throw badOption('Pass --svg <file>, or --output to name the figure after it');
  const figure = svg === true ? output?.replace(/json$/i, 'svg') : svg;
  if (figure !== undefined && !/\.svg$/i.test(figure))
    throw badOption(`Expected a file ending in .svg for --svg but received '${figure}'`);
  if (!overwrite) {
    await refuseOther(output, 'a noise profile', readNoiseProfile);
    await refuseOther(figure, 'a figure of noise', async (path) =>
      FIGURE.test(String(await readRegularFile(path))),
    );
  }
  return { output, svg: figure };
}

function regionOf(text: string): Region {
  const [, left, top, width, height] = /^(\d+),(\d+),(\d+),(\d+)$/.exec(text) ?? [];
  if (height === undefined)
    throw badOption(`Expected x,y,width,height in pixels for --region but received '${text}'`);
  return { left: Number(left), top: Number(top), width: Number(width), height: Number(height) };
}

/** @throws FlowDenoiseError BAD_OPTION if only some are grey */
function sameColours(found: readonly Found[]): readonly NoiseProfile[] {
  const profiles = found.map(({ noise }) => noise.profile);
  const [first] = profiles;
  const other = profiles.findIndex(({ channels }) => channels.length !== first?.channels.length);
  if (other === -1) return profiles;
  throw badOption(
    `Expected only colour pictures or only grey ones for one profile but received ${printable(found[0]?.input ?? '')} and ` +
      `${printable(found[other]?.input ?? '')}; a profile of colour pictures is good for grey ones too`,
  );
}

/** A picture, and its orientation as in EXIF. */
async function readPicture(path: string, signal: AbortSignal) {
  const name = printable(path);
  const limits = { most: MOST_BYTES, code: 'UNSUPPORTED_IMAGE' } as const;
  const bytes = await readRegularFile(path, { ...limits, name, signal });
  const { picture } = await decodePicture(bytes, name);
  const { orientation = 1 } = await sharp(bytes, { limitInputPixels: false }).metadata();
  return { picture, orientation };
}

async function analyseFile(
  input: string,
  region: Region | undefined,
  options: AnalyseNoiseOptions & { readonly signal: AbortSignal },
  analyser: NoiseAnalyser,
): Promise<Found> {
  const { picture, orientation } = await readPicture(input, options.signal);
  const stored = region && storedRegion(region, orientation, picture);
  const noise = await analyser.analyse(picture, { ...options, region: stored }).catch((error: unknown) => {
    // The error does not know the file's name.
    if (!(error instanceof FlowDenoiseError)) throw error;
    throw new FlowDenoiseError(error.code, `${printable(input)}: ${error.message}`, { cause: error });
  });
  return { input, width: picture.width, height: picture.height, noise };
}
