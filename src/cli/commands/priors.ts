// `flow-denoise priors`: shows a prior's model.json and card (README.md), without reading weights.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readRegularFile } from '../../core/files.js';
import { parameterCount } from '../../core/flow/architecture.js';
import { DEFAULT_PRIOR, findPrior, shippedPriors } from '../../core/model/find-prior.js';
import { loadModel } from '../../core/model/load-prior.js';
import { printable } from '../../core/printable.js';
import { sigmaRangeOf } from '../../denoiser/estimator.js';
import { writeLine } from '../display/progress.js';
import type { OutputFlags } from '../option-flags.js';

type PriorSummary = Awaited<ReturnType<typeof summaryOf>>;

const EXAMPLES = `
Examples:
  flow-denoise priors list
  flow-denoise priors show faces64
  flow-denoise priors show ./my-prior --json
  cat "$(flow-denoise priors path natural)/README.md"`;

export function describePriors(command: Command): void {
  command.description('list and describe priors').addHelpText('after', EXAMPLES);
  const tell = (told: unknown, lines: readonly string[], { json }: OutputFlags) => {
    for (const line of json ? [JSON.stringify(told)] : lines.map(printable)) writeLine(line);
  };
  const named = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .argument('<name>', "a shipped prior's name, or a prior's folder");
  command
    .command('list', { isDefault: true })
    .description('the priors that come with the package')
    .option('--json', 'as JSON on stdout')
    .action(async (flags: OutputFlags) => {
      const priors = await Promise.all(shippedPriors().map(summaryOf));
      tell(priors, listLines(priors), flags);
    });
  named('show', 'describe a prior: noise range, size, origin, licence, calibration, limits')
    .option('--json', 'as JSON on stdout')
    .action(async (name: string, flags: OutputFlags) => {
      const prior = await summaryOf(name);
      tell(prior, showLines(prior), flags);
    });
  named('path', "a prior's folder").action((name: string) => writeLine(findPrior(name)));
}

/** What --json prints. @throws  FlowDenoiseError BAD_PRIOR */
async function summaryOf(nameOrFolder: string) {
  const folder = findPrior(nameOrFolder);
  const model = await loadModel(folder);
  const card = String(await readRegularFile(join(folder, 'README.md')).catch(() => ''));
  return {
    name: model.name,
    isDefault: nameOrFolder === DEFAULT_PRIOR,
    folder,
    /** 8-bit units; undefined if the prior takes any. */
    sigmaRange: sigmaRangeOf(model),
    parameters: parameterCount(model),
    /** Size of the weights file. */
    bytes: (await stat(join(folder, model.weights.file)).catch(() => undefined))?.size ?? 0,
    levels: model.levels.map(({ steps, width }) => ({ steps, width })),
    sha256: model.weights.sha256,
    provenance: model.provenance ?? {},
    calibration: model.calibration,
    /** The card's sections by heading; empty without a card. */
    card: sectionsOf(card),
  };
}

function listLines(priors: readonly PriorSummary[]): string[] {
  const widest = Math.max(...priors.map(({ name }) => name.length));
  return priors.map((prior) => {
    const words = [rangeWords(prior), sizeWords(prior), textOf(prior.provenance.data ?? 'origin not stated')];
    return `${prior.name.padEnd(widest)}  ${words.join('; ')}${prior.isDefault ? ' (default)' : ''}`;
  });
}

function showLines(prior: PriorSummary): string[] {
  const { name, folder, levels, sha256, provenance, calibration, card } = prior;
  const betaMap = calibration?.betaMap;
  const rows: [string, string][] = [
    ['name', `${name}${prior.isDefault ? ' (default)' : ''}`],
    ['folder', folder],
    ['noise', rangeWords(prior)],
    ['size', sizeWords(prior)],
    ['flow', `Glow, steps per level ${levels.map(({ steps }) => steps).join(', ')}`],
    ['sha256', sha256],
    ...Object.entries(provenance).map(([key, value]): [string, string] => [key, textOf(value)]),
  ];
  if (betaMap) {
    const betas = betaMap.table.map(({ sigma255, beta }) => `${sigma255}: ${beta}`).join(', ');
    rows.push(['beta-MAP', `${betaMap.steps} steps; beta by sigma ${betas}`]);
  }
  const lines = rows.map(([key, value]) => `${key.padEnd(11)} ${value}`);
  const sections = Object.entries(card).flatMap(([heading, text]) => ['', heading, '', ...text.split('\n')]);
  return [...lines, ...sections];
}

function rangeWords({ sigmaRange }: PriorSummary): string {
  if (!sigmaRange) return 'any sigma';
  const [colour, grey] = [sigmaRange.colour, sigmaRange.grey].map((range) => range.join(' to '));
  return `sigma ${colour} (grey ${grey})`;
}

function sizeWords({ parameters, bytes }: PriorSummary): string {
  return `${(parameters / 1e6).toFixed(1)} million parameters, ${(bytes / 1e6).toFixed(1)} MB`;
}

/** Lists with commas, objects as `key value`. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Array.isArray(value)
    ? value.map(textOf)
    : Object.entries(value).map(([key, each]) => `${key} ${textOf(each)}`);
  return parts.join(', ');
}

function sectionsOf(card: string): Record<string, string> {
  const sections = card.split(/^## /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      return [heading, lines.join('\n').trim()];
    }),
  );
}
