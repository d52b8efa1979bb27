// What a package's licence file says of one of its files, and whether that is a licence under which anyone may use a picture.
// Debian's format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import type { UnpackedPackage } from './fetch-package.js';

export interface Terms {
  /** As the package names it: `CC-BY-SA-4.0`, `GPL-2+`, `public-domain`. */
  readonly licence: string;
  readonly author: string;
  /** The licence itself, or the sentence that grants it. Never empty. */
  readonly text: string;
}

/** The whole licence file of a package. */
export interface LicenceFile {
  readonly text: string;
  /** What it says of a file; undefined where it has no licence text for it. */
  termsOf(file: string): Terms | undefined;
}

/** CC0 and public domain, CC BY and CC BY-SA, and what the FSF lists as compatible with the GPL. Not GFDL, NC or ND. */
const ACCEPTED = [
  /^cc0\b/,
  /^(public-?domain|pd)\b/,
  /^cc-by(-sa)?(-\d(\.\d)?)?(~us)?$/,
  /^l?gpl(v|-)?\d?/,
  /^(expat|mit|isc|zlib)$/,
  /^bsd-[23]-clause$/,
  /^apache-2/,
];

/**
 * Those and two licences that bind the font and nothing that is drawn with it: the Open Font License from 1.1 on, which says so of
 * documents (1.0 does not), and Bitstream Vera's, which speaks of copies of the font alone.
 */
const ACCEPTED_FONTS = [
  ...ACCEPTED,
  /^(sil-)?ofl(-1\.1)?$/,
  /^sil_open_font_license_1\.1$/,
  /^bitstream-?vera$/,
];

/** Whether a licence's name is one of those. Of `A or B` one is enough, of `A and B` both are needed. */
export const isAccepted = (licence: string) => isOneOf(ACCEPTED, licence);

/** The same for a font, of which only what it draws is taken. */
export const isAcceptedFont = (licence: string) => isOneOf(ACCEPTED_FONTS, licence);

function isOneOf(accepted: readonly RegExp[], licence: string): boolean {
  const isFree = (name: string) => accepted.some((pattern) => pattern.test(slugOf(name)));
  return licence.split(/\s+or\s+/i).some((choice) => {
    const parts = partsOf(choice);
    return parts.length > 0 && parts.every(isFree);
  });
}

const slugOf = (licence: string) => licence.trim().toLowerCase().replaceAll(/\s+/g, '-');
const partsOf = (licence: string) => licence.split(/\s+(?:and|or)\s+|,\s*/i).filter((part) => part !== '');

/** The licence file of a package; undefined where it has none. */
export async function licenceFileOf(unpacked: UnpackedPackage): Promise<LicenceFile | undefined> {
  const found = (pattern: string) => globSync(pattern, { cwd: unpacked.folder, absolute: true }).sort()[0];
  switch (unpacked.registry) {
    case 'debian': {
      const file = found(`usr/share/doc/${unpacked.name}/copyright`);
      return file === undefined ? undefined : readTerms(await readFile(file, 'utf8'));
    }
    case 'npm': {
      const card = JSON.parse(await readFile(path.join(unpacked.folder, 'package/package.json'), 'utf8'));
      const file = found('package/{LICENSE,LICENCE,license}*');
      const author = typeof card.author === 'object' ? card.author.name : card.author;
      return file === undefined
        ? undefined
        : readTerms(await readFile(file, 'utf8'), { licence: card.license, author });
    }
    case 'pypi': {
      const [card, file] = [found('*.dist-info/METADATA'), found('*.dist-info/**/LICEN[CS]E*')];
      if (!card || !file) return undefined;
      const text = await readFile(card, 'utf8');
      const field = (name: string) => new RegExp(`^${name}: *(.+)$`, 'm').exec(text)?.[1];
      const said = {
        licence: field('License-Expression') ?? field('License'),
        author: field('Author') ?? field('Author-email'),
      };
      return readTerms(await readFile(file, 'utf8'), said);
    }
    default:
      return unpacked.registry satisfies never;
  }
}

/** @param said  what the package's card says, for a licence file that is the bare text of one licence */
export function readTerms(text: string, said: { licence?: string; author?: string } = {}): LicenceFile {
  const paragraphs = text.split(/\n\s*\n/).map(fieldsOf);
  const stanzas = paragraphs.filter((fields) => fields.has('files') && fields.has('license'));
  if (stanzas.length === 0) return { text, termsOf: () => bareTerms(text, said) };
  return {
    text,
    termsOf(file) {
      // "If a file is matched by several stanzas, the last one applies."
      const stanza = stanzas.findLast((fields) =>
        (fields.get('files') ?? '').split(/\s+/).some((pattern) => matches(pattern, file)),
      );
      if (!stanza) return undefined;
      const [name = '', ...inline] = (stanza.get('license') ?? '').split('\n');
      const licence = name || (inline[0] ?? '').trim();
      const own = inline.join('\n').trim();
      const apart = partsOf(licence).flatMap((part) => textApart(paragraphs, part) ?? []);
      const [first = '', ...others] = (stanza.get('copyright') ?? '').trim().split('\n');
      const author = others.length > 0 ? `${first} and others` : first;
      return own || apart.length > 0 ? { licence, author, text: own || apart.join('\n\n') } : undefined;
    },
  };
}

/** The text that a paragraph of its own, or the paragraph after it, gives of a licence which the stanzas name. */
function textApart(paragraphs: readonly ReadonlyMap<string, string>[], licence: string): string | undefined {
  const named = (fields: ReadonlyMap<string, string>) => (fields.get('license') ?? '').split('\n');
  const at = paragraphs.findIndex(
    (fields) => !fields.has('copyright') && slugOf(named(fields)[0] ?? '') === slugOf(licence),
  );
  const paragraph = paragraphs[at];
  if (!paragraph) return undefined;
  return named(paragraph).slice(1).join('\n').trim() || paragraphs[at + 1]?.get('')?.trim() || undefined;
}

/** `Name: value`, and lines that go on with a space before them. */
function fieldsOf(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name = '';
  for (const line of paragraph.split('\n')) {
    const [, key, value] = /^(\w[\w-]*):\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined) {
      name = key.toLowerCase();
      fields.set(name, (value ?? '').trim());
    } else fields.set(name, `${fields.get(name) ?? ''}\n${line.trim()}`);
  }
  return fields;
}

/**
 * Patterns name files of the source; in a package they lie elsewhere. So a pattern matches if the end of it, from some folder
 * on and of two names at least, matches the end of the path; or if it ends in the very name of the file (`?` stands for a
 * space in it).
 */
function matches(pattern: string, file: string): boolean {
  const [names, folders] = [pattern.split('/'), file.split('/')];
  if (names.at(-1) === folders.at(-1)?.replaceAll(' ', '?')) return true;
  const ends = names.length === 1 ? [pattern] : names.slice(1).map((_, from) => names.slice(from).join('/'));
  return ends.some((end) => {
    const source = end
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    const whole = new RegExp(`^${source}$`);
    return folders.some((_, from) => whole.test(folders.slice(from).join('/')));
  });
}

/** A file without stanzas: one licence for all. Without a card, only the GPL's own sentences are understood. */
function bareTerms(text: string, said: { licence?: string; author?: string }): Terms | undefined {
  if (text.trim() === '') return undefined;
  const line = /^.*(?:©|Copyright \(C\)).*\d{4}.*$/im.exec(text)?.[0].trim();
  const author = said.author ?? line ?? '';
  if (said.licence) return { licence: said.licence, author, text };
  const gpl = /GNU General Public License as published.{0,100}? version (\d)(.{0,60}? any later)?/.exec(
    text.replaceAll(/\s+/g, ' '),
  );
  return gpl ? { licence: `GPL-${gpl[1]}${gpl[2] ? '+' : ''}`, author, text } : undefined;
}
