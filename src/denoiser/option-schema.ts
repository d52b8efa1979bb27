// Shared by all option schemas: texts for help and documentation, the check, and picking options.
import { inspect, types } from 'node:util';
import { z } from 'zod';
import { badOption, type FlowDenoiseError } from '../core/errors.js';

/** The texts for an option. The schema's description tells what its value must be. */
interface OptionWords {
  /** What it does, in one line. */
  readonly does: string;
  /** The value after the command's flag: '<number>', or '' for a switch. Undefined: no flag. */
  readonly flag?: string;
  /** The flag's one letter. */
  readonly letter?: string;
  /** The default, if the schema does not hold it. */
  readonly otherwise?: string;
  /** A link for the documentation. */
  readonly see?: string;
}

const words = z.registry<OptionWords>();

/** An option: its schema, what its value must be, and its texts. */
export function option<S extends z.ZodType>(schema: S, expected: string, told: OptionWords): S {
  const described = schema.describe(expected);
  words.add(described, told);
  return described;
}

export function wordsOf(schema: z.core.$ZodType): OptionWords | undefined {
  return words.get(schema);
}

/** The default as text; undefined if there is none. */
export function defaultOf(schema: z.core.$ZodType): string | undefined {
  const value: unknown = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  return value === undefined ? wordsOf(schema)?.otherwise : String(value);
}

export function callback<F>() {
  return z
    .custom<F>((value) => typeof value === 'function')
    .optional()
    .describe('a function');
}

/** Picks the options that a shape has. */
export function among<Shape extends z.ZodRawShape>(
  shape: Shape,
  options: z.output<z.ZodObject<Shape>>,
): z.output<z.ZodObject<Shape>> {
  const own = Object.entries(options).filter(([key]) => Object.hasOwn(shape, key));
  return Object.fromEntries(own) as z.output<z.ZodObject<Shape>>;
}

/** Leaves out undefined options: they count as absent. */
export function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** The error for two options that exclude each other. */
export function notBoth(one: string, other: string, why?: string): FlowDenoiseError {
  const reason = why === undefined ? '' : `: ${why}`;
  return badOption(`Pass either ${one} or ${other}, not both${reason}`);
}

/** A long value, shortened so that a message stays readable. */
function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}...`;
}

function received(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `'${shortened(value)}'`;
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN, which is not a number' : String(value);
  if (types.isPromise(value)) return 'a Promise; await it first';
  const shape = { depth: 1, maxArrayLength: 10, compact: true, breakLength: Infinity, customInspect: false };
  const text = inspect(value, shape);
  return `${shortened(text.replaceAll(/\s+/g, ' '))} of type ${value === null ? 'null' : typeof value}`;
}

/** The presets' names when they were values of `quality`. */
const RENAMED: Readonly<Record<string, string>> = { fast: 'fast', balanced: 'best' };

function refuseRenamed(quality: unknown): void {
  const word = [quality].flat().find((each) => typeof each === 'string' && Object.hasOwn(RENAMED, each));
  if (typeof word !== 'string') return;
  throw badOption(
    `Pass '${RENAMED[word]}' for preset instead of '${word}' for quality: quality is the encoder's number from 1 to 100`,
  );
}

/** Checks the options of a function or command. @throws FlowDenoiseError BAD_OPTION with what was expected and received */
export function parseOptions<S extends z.ZodObject>(schema: S, value: unknown, where: string): z.output<S> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const given = isObject ? defined(value as Readonly<Record<string, unknown>>) : {};
  refuseRenamed(given.quality);
  const result = schema.safeParse(isObject ? given : (value ?? {}));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === 'unrecognized_keys')
    throw badOption(
      `Expected one of the options ${Object.keys(schema.shape).join(', ')} for ${where} but received ${shortened(issue.keys.join(', '))}`,
    );
  if (issue?.code === 'custom' && typeof issue.params?.message === 'string')
    throw badOption(issue.params.message);
  const key = issue?.path[0];
  if (key === undefined)
    throw badOption(`Expected an object of options for ${where} but received ${received(value)}`);
  const field: unknown = schema.shape[String(key)];
  const expected = (field instanceof z.ZodType ? field.description : undefined) ?? issue?.message;
  throw badOption(`Expected ${expected} for ${String(key)} but received ${received(given[String(key)])}`);
}
