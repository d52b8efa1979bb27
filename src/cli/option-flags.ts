// Makes the command's flags from the options' schemas: names, values and defaults for --help.
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { defaultOf, wordsOf } from '../denoiser/option-schema.js';

/** Adds the flags of those options in a shape that have one. */
export function addFlags(command: Command, shape: z.ZodRawShape): Command {
  for (const [name, schema] of Object.entries(shape)) {
    const { does = '', flag, letter } = wordsOf(schema) ?? {};
    if (flag === undefined) continue;
    const otherwise = flag === '' ? undefined : defaultOf(schema);
    const words = otherwise === undefined || otherwise === 'false' ? does : `${does} (default: ${otherwise})`;
    const flags = `${letter === undefined ? '' : `-${letter}, `}${flagOf(name)} ${flag}`.trim();
    command.addOption(NUMBERS.test(flag) ? numberOption(flags, words) : new Option(flags, words));
  }
  return command;
}

/** "tileSize": "--tile-size". */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const NUMBERS = /<(number|pixels|ms|time|[\d|]+)>/;

export function numberOption(flags: string, words: string): Option {
  return new Option(flags, words).argParser(numberOrText);
}

/** Keeps text that is not a number, so that the check can quote it. */
function numberOrText(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

/** An option whose value is one number, or several separated by commas. */
export function listOption(flags: string, words: string): Option {
  return new Option(flags, words).argParser((text: string) => {
    const values = text.split(',').map(numberOrText);
    return text.includes(',') ? values : values[0];
  });
}
