// Fonts and icons under free licences, from package registries alone, and how text is drawn with these fonts and no others.
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { globSync } from 'tinyglobby';
import { fetchPackage, type Registry } from '../free-pictures/fetch-package.js';
import { isAccepted, isAcceptedFont, licenceFileOf } from '../free-pictures/licence.js';
import type { Font, Materials } from './sketch.js';

/** A package of packages.json: of fonts or of icons. */
export interface Choice {
  readonly registry: Registry;
  readonly package: string;
  /** Pattern of its font files, or of its icons. */
  readonly files: string;
  readonly fonts?: readonly Font[];
  /** For the pictures that are held back, and for no others. */
  readonly isHeldBack?: boolean;
}

export type Fetched = Awaited<ReturnType<typeof fetchMaterials>>;

/**
 * Copies a package's fonts into `fonts` and its licence file into the set's folder, and reads its icons.
 *
 * @returns  what the manifest says about the package, and its icons
 */
export async function fetchMaterials(choice: Choice, fonts: string, output: string) {
  const { registry, package: name, isHeldBack = false } = choice;
  const work = await mkdtemp(path.join(tmpdir(), 'free-graphics-'));
  try {
    const { folder, version } = await fetchPackage(registry, name, work);
    const licenceFile = await licenceFileOf({ registry, name, folder, version });
    const files = globSync(choice.files, { cwd: folder, followSymbolicLinks: false }).sort();
    const isFree = choice.fonts ? isAcceptedFont : isAccepted;
    for (const file of files) {
      const licence = licenceFile?.termsOf(file)?.licence ?? '(none)';
      if (!isFree(licence)) throw new Error(`${name} ${file}: the licence ${licence} is not accepted`);
    }
    const terms = files[0] === undefined ? undefined : licenceFile?.termsOf(files[0]);
    if (!licenceFile || !terms) throw new Error(`${name} has no files like ${choice.files}`);

    const text = `licences/${name.replaceAll('/', '-')}.txt`;
    await mkdir(path.join(output, 'licences'), { recursive: true });
    await writeFile(path.join(output, text), licenceFile.text);
    const families = choice.fonts?.map(({ family }) => family) ?? [];
    const { author, licence } = terms;
    const about = {
      registry,
      package: name,
      version,
      author,
      licence,
      licenceFile: text,
      families,
      isHeldBack,
    };
    const paths = files.map((file) => path.join(folder, file));
    if (choice.fonts) for (const file of paths) await copyFile(file, path.join(fonts, path.basename(file)));
    const icons = choice.fonts ? [] : await Promise.all(paths.map((file) => readFile(file, 'utf8')));
    return { about, icons };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The fonts and icons of the pictures that are held back, or of the others. */
export function materialsOf(
  choices: readonly Choice[],
  fetched: readonly Fetched[],
  isHeldBack: boolean,
): Materials {
  const chosen = choices.filter((choice) => (choice.isHeldBack ?? false) === isHeldBack);
  return {
    fonts: chosen.flatMap(({ fonts }) => fonts ?? []),
    iconSets: chosen.flatMap((choice) => {
      const icons = fetched.find(({ about }) => about.package === choice.package)?.icons ?? [];
      return icons.length > 0 ? [{ package: choice.package, icons }] : [];
    }),
  };
}

/** Text is drawn with the fonts of a folder alone. Call it before any text is drawn. */
export async function useFonts(folder: string): Promise<void> {
  const file = path.join(folder, 'fonts.conf');
  await writeFile(file, `<fontconfig><dir>${folder}</dir><cachedir>${folder}/cache</cachedir></fontconfig>`);
  process.env.FONTCONFIG_FILE = file;
}

/** Those that are drawn exactly as another one: their fonts are not found, and others stand in for them. */
export async function familiesNotFound(families: readonly string[]): Promise<string[]> {
  const seen = new Set<string>();
  const missing: string[] = [];
  for (const family of families) {
    const text = `<text y="40" font-size="30" font-family="${family}">Rag 279</text>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="60">${text}</svg>`;
    const drawn = (await sharp(Buffer.from(svg)).raw().toBuffer()).toString('base64');
    if (seen.has(drawn)) missing.push(family);
    seen.add(drawn);
  }
  return missing;
}
