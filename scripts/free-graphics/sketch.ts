// What a drawing is made with: random numbers of a seed, colours, fonts, icons, made-up words and pieces of SVG. Fonts and
// icons that a drawing takes are noted, for the manifest.
import { type Draws, drawsFrom } from '../draws.js';

const LETTERS = {
  greek: 'αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ',
  cyrillic: 'абвгдежзийклмнопрстуфхцчшщыьэюя',
  hebrew: 'אבגדהוזחטיכלמנסעפצקרשת',
  arabic: 'ابتثجحخدذرزسشصضطظعغفقكلمنهوي',
  devanagari: 'कखगघचछजझटठडढतथदधनपफबभमयरलवशषसह',
  cjk: '日月山水火木金土人大中小上下口目手心天地年生白田国文字あいうえおかきくけこさしたちつてとなにのはまもやよりるれんアイウカキコスタトナノマリロン',
};
const VOWEL_SIGNS = 'ािीुूेैो';
const STARTS = [...'bcdfghjklmnprstvwz', 'st', 'tr', 'ch', 'pl', 'th', 'qu', ''];
const VOWELS = ['a', 'e', 'i', 'o', 'u', 'ea', 'ou', 'y', 'ai'];
const ENDS = ['', '', '', 'n', 'r', 's', 't', 'l', 'nd', 'x', 'm'];

/** The letters that a font has. `basic` is ASCII, which every font has; `latin` has accents and quotation marks too. */
export type Script = keyof typeof LETTERS | 'basic' | 'latin';
type Style = 'sans' | 'serif' | 'mono' | 'hand';

export interface Font {
  readonly family: string;
  readonly style: Style;
  readonly scripts: readonly Script[];
  /** Mean width of a letter, in units of the font size. */
  readonly advance: number;
}

/** A font, to write in one of its scripts. */
export interface Face extends Font {
  readonly script: Script;
}

export interface IconSet {
  readonly package: string;
  /** SVG files. */
  readonly icons: readonly string[];
}

export interface Materials {
  readonly fonts: readonly Font[];
  readonly iconSets: readonly IconSet[];
}

/** A number as SVG has it. */
export const at = (value: number) => String(Math.round(value * 100) / 100);
export const escaped = (words: string) => words.replaceAll(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
export const box = (x: number, y: number, w: number, h: number, fill: string, more = '') =>
  `<rect x="${at(x)}" y="${at(y)}" width="${at(w)}" height="${at(h)}" fill="${fill}" ${more}/>`;
export const disc = (x: number, y: number, r: number, fill: string, more = '') =>
  `<circle cx="${at(x)}" cy="${at(y)}" r="${at(r)}" fill="${fill}" ${more}/>`;
export const path = (d: string | null, stroke: string, thick: number, more = 'fill="none"') =>
  `<path d="${d}" stroke="${stroke}" stroke-width="${at(thick)}" ${more}/>`;
export const BOLD = 'font-weight="bold"';
export const MIDDLE = 'text-anchor="middle"';

export type Sketch = ReturnType<typeof sketch>;

/** @param isLight  whether the paper must be light, as it is in a scan */
export function sketch({ fonts, iconSets }: Materials, seed: number, number: number, isLight: boolean) {
  const draws = drawsFrom((seed * 1_000_003 + number) >>> 0);
  const { uniform, chance } = draws;
  const used = { fonts: new Set<string>(), icons: new Set<string>() };
  const whole = (low: number, high: number) => Math.floor(uniform(low, high + 1));
  const times = (low: number, high: number) => Array.from({ length: whole(low, high) }, (_, n) => n);
  function pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('Expected a font and an icon set of each sort but found none');
    return list[whole(0, list.length - 1)] as T;
  }

  function word(script: Script): string {
    const isLatin = script === 'basic' || script === 'latin';
    const vowel = () => pick(script === 'latin' && chance(0.05) ? [...'éèüöäñçåøâêîôà'] : VOWELS);
    const letter = () =>
      isLatin
        ? pick(STARTS) + vowel() + pick(ENDS)
        : pick([...LETTERS[script]]) + (script === 'devanagari' && chance(0.5) ? pick([...VOWEL_SIGNS]) : '');
    const letters = times(1, isLatin ? 3 : 8).map(letter);
    const lower = letters.join('');
    return chance(0.15) ? lower.charAt(0).toUpperCase() + lower.slice(1) : lower;
  }

  function figure(): string {
    const plain = uniform(0, 10 ** whole(0, 5)).toFixed(chance(0.5) ? 0 : whole(1, 3));
    return `${chance(0.1) ? '-' : ''}${plain}${chance(0.15) ? '%' : ''}`;
  }

  /** As many as fit into so many characters. */
  function words(script: Script, characters: number): string {
    const [space, marks] = script === 'cjk' ? ['', '、。'] : [' ', ',.,;:?!'];
    for (let line = ''; ; ) {
      const next = chance(0.06)
        ? figure()
        : script === 'latin' && chance(0.03)
          ? `“${word(script)}”`
          : word(script);
      const longer = `${line}${line && space}${next}${chance(0.12) ? pick([...marks]) : ''}`;
      if (longer.length > characters) return line || longer.slice(0, Math.max(1, characters));
      line = longer;
    }
  }

  function text(x: number, y: number, size: number, said: string, { family }: Font, fill: string, more = '') {
    const style = `font-family="${family}" font-size="${at(size)}" fill="${fill}" ${more}`;
    return `<text x="${at(x)}" y="${at(y)}" ${style}>${escaped(said)}</text>`;
  }

  return {
    ...draws,
    whole,
    times,
    pick,
    figure,
    words,
    text,
    used,
    width: whole(448, 576),
    height: whole(448, 576),
    theme: themeOf(draws, isLight),

    /** @param script  one that it must have */
    font(styles: readonly Style[], script?: Script): Face {
      const has = (font: Font) => !script || script === 'basic' || font.scripts.includes(script);
      const font = pick(fonts.filter((one) => styles.includes(one.style) && has(one)));
      used.fonts.add(font.family);
      return { ...font, script: script ?? pick(font.scripts) };
    },

    /** As many words as fit, from the side on which the script begins. */
    line(x: number, y: number, room: number, size: number, face: Face, fill: string, more = ''): string {
      const { script, advance } = face;
      const widened =
        (script === 'cyrillic' || script === 'greek' ? 1.1 : 1) * (more.includes(BOLD) ? 1.1 : 1);
      const wide = size * widened * (script === 'cjk' ? 1 : advance);
      const said = words(script, Math.max(2, Math.floor(room / wide)));
      if (more.includes(MIDDLE)) return text(x + room / 2, y, size, said, face, fill, more);
      const isRightToLeft = script === 'hebrew' || script === 'arabic';
      return text(
        isRightToLeft ? x + room : x,
        y,
        size,
        said,
        face,
        fill,
        isRightToLeft ? `direction="rtl" ${more}` : more,
      );
    },

    icon(x: number, y: number, size: number, colour: string): string {
      const set = pick(iconSets);
      used.icons.add(set.package);
      const file = pick(set.icons);
      const inside = file.slice(file.indexOf('<svg') + 4);
      const end = inside.indexOf('>');
      const kept = inside.slice(0, end).replaceAll(/\s(width|height|class|id)="[^"]*"/g, '');
      const place = `x="${at(x)}" y="${at(y)}" width="${at(size)}" height="${at(size)}"`;
      return `<g fill="${colour}" color="${colour}"><svg ${place}${kept}${inside.slice(end)}</g>`;
    },
  };
}

function themeOf({ uniform, chance }: Draws, isLight: boolean) {
  const isDark = !isLight && chance(0.4);
  const [hue, tint] = [uniform(0, 360), chance(0.6) ? 0 : uniform(5, 60)];
  const hsl = (tone: number, saturation: number, lightness: number) =>
    `hsl(${Math.round(tone)}, ${Math.round(saturation)}%, ${Math.round(lightness)}%)`;
  const level = isDark ? uniform(tint > 0 ? 6 : 0, 20) : tint > 0 ? uniform(88, 98) : 100;
  const away = (low: number, high: number) => level + (isDark ? 1 : -1) * uniform(low, high);
  return {
    paper: hsl(hue, tint, level),
    ink: hsl(hue, chance(0.6) ? 0 : uniform(0, 50), chance(0.5) ? (isDark ? 96 : 0) : away(65, 85)),
    /** Lines and secondary text. */
    faint: hsl(hue, tint / 3, away(22, 45)),
    /** Boxes on the paper. */
    panel: hsl(hue, tint, away(3, 9)),
    /** On an accent. */
    contrast: isDark ? '#000' : '#fff',
    accents: Array.from({ length: 4 }, (_, n) =>
      hsl(hue + 90 * n + uniform(0, 80), uniform(35, 95), isDark ? uniform(50, 75) : uniform(28, 58)),
    ) as [string, string, string, string],
  };
}
