// Takes from unpacked packages what was chosen by eye as a photograph, what a licence allows, and what is clean.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { globSync } from 'tinyglobby';
import { cleanPicture } from './clean-picture.js';
import type { Registry, UnpackedPackage } from './fetch-package.js';
import { isAccepted, type LicenceFile, licenceFileOf } from './licence.js';
import { type FreePicture, type Manifest, sha256Of } from './manifest.js';
import { isSame, type Thumbnail, thumbnailOf } from './near-duplicates.js';

/** What was decided by eye, in photographs.json. */
export interface Choice {
  readonly registry: Registry;
  readonly package: string;
  /** Patterns of paths in the package. Empty: looked through, nothing found. */
  readonly photographs: readonly string[];
  /** Where the package says elsewhere than in its licence file who took the picture. */
  readonly author?: string;
  /** What else is in the package, and why it is not among them. */
  readonly leftOut?: string;
}

export interface Collector {
  /** Writes what is chosen of a package and kept. */
  add(choices: readonly Choice[], unpacked: UnpackedPackage): Promise<void>;
  readonly manifest: Manifest;
}

/** @param output  the set's folder; made if it is not there */
export function collectPictures(output: string): Collector {
  const pictures: FreePicture[] = [];
  const leftOut: { package: string; path: string; reason: string }[] = [];
  const seen: { file: string; thumbnail: Thumbnail }[] = [];

  /** @returns why it is left out, or undefined */
  async function addFile(
    file: string,
    choice: Choice,
    unpacked: UnpackedPackage,
    licenceFile: LicenceFile | undefined,
  ): Promise<string | undefined> {
    const terms = licenceFile?.termsOf(file);
    if (!licenceFile || !terms) return 'no licence text';
    const { licence } = terms;
    const author = choice.author ?? terms.author;
    if (!isAccepted(licence)) return `the licence ${licence} is not accepted`;

    const clean = await cleanPicture(path.join(unpacked.folder, file));
    if (typeof clean === 'string') return clean;
    const thumbnail = await thumbnailOf(clean.picture);
    const twin = seen.find((other) => isSame(other.thumbnail, thumbnail));
    if (twin) return `shows the same as ${twin.file}`;

    const { data, width, height, channels } = clean.picture;
    const png = await sharp(data, { raw: { width, height, channels } }).png().toBuffer();
    const name = `${unpacked.name}-${file
      .replace(/\.\w+$/, '')
      .split('/')
      .slice(-4)
      .join('-')}.png`;
    const target = name.replaceAll(/[^\w.-]+/g, '_');
    const text = `licences/${unpacked.name.replaceAll('/', '-')}.txt`;
    await mkdir(path.join(output, 'licences'), { recursive: true });
    await writeFile(path.join(output, text), licenceFile.text);
    await writeFile(path.join(output, target), png);
    seen.push({ file: target, thumbnail });
    pictures.push({
      file: target,
      registry: unpacked.registry,
      package: unpacked.name,
      version: unpacked.version,
      path: file,
      author,
      licence,
      licenceFile: text,
      sha256: sha256Of(png),
      width,
      height,
      shrink: clean.shrink,
      source: clean.source,
    });
    return undefined;
  }

  return {
    manifest: { pictures, leftOut },
    async add(choices, unpacked) {
      const licenceFile = await licenceFileOf(unpacked);
      for (const choice of choices)
        for (const pattern of choice.photographs) {
          const files = globSync(pattern, { cwd: unpacked.folder, followSymbolicLinks: false }).sort();
          if (files.length === 0)
            leftOut.push({ package: unpacked.name, path: pattern, reason: 'not in this version' });
          for (const file of files) {
            const reason = await addFile(file, choice, unpacked, licenceFile);
            if (reason !== undefined) leftOut.push({ package: unpacked.name, path: file, reason });
          }
        }
    },
  };
}
