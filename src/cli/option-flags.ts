// The command's flags, from the options' schemas or from tables, and how the text after them is read.
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { defaultOf, option, wordsOf } from '../denoiser/option-schema.js';

/** An option without a value, off by default. */
export const switchOption = (does: string) =>
  option(z.boolean().default(false), 'true or false', { does, flag: '' });

/** Adds the flags of those options in a shape that have one. */
export function addFlags(command: Command, shape: z.ZodRawShape): Command {
  for (const [name, schema] of Object.entries(shape)) {
    const { does = '', flag, letter } = wordsOf(schema) ?? {};
    if (flag === undefined) continue;
    const otherwise = flag === '' ? undefined : defaultOf(schema);
    const words = otherwise === undefined || otherwise === 'false' ? does : `${does} (default: ${otherwise})`;
    const flags = `${letter === undefined ? '' : `-${letter}, `}${flagOf(name)} ${flag}`.trim();
    addOptions(command, { [flags]: words });
  }
  return command;
}

/** What commands print, by flags that have no schema. */
export interface OutputFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const NUMBERS = /<(number|pixels|ms|time|steps|scale|[\d|]+)>/;

/** Adds flags by their usage, such as '--crops <number>', with what each does. The value of a `<list>` or `<names>` is an array. */
export function addOptions(command: Command, table: Readonly<Record<string, string>>): Command {
  for (const [flags, does] of Object.entries(table)) {
    const option = new Option(flags, does);
    if (flags.includes('<list>')) option.argParser((text: string) => words(text).map(numberOrText));
    else if (flags.includes('<names>')) option.argParser(words);
    else if (NUMBERS.test(flags)) option.argParser(numberOrText);
    command.addOption(option);
  }
  return command;
}

/** "tileSize": "--tile-size". */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The flags of those named options that are set. */
export function flagsAmong(options: Readonly<Record<string, unknown>>, names: readonly string[]): string[] {
  return names.filter((name) => options[name]).map(flagOf);
}

function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

/** Keeps text that is not a number, so that the check can quote it. */
export function numberOrText(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

/** "1.5h" as a number, by the sizes of units; undefined for other text. */
export function amountOf(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  return Object.hasOwn(units, unit) ? Number(number) * (units[unit] ?? 1) : undefined;
}
