// A contender of an evaluation: a prior with a method and a beta, or another program's results.
import type { Method } from '../denoiser/denoiser.js';
import type { Preset } from '../denoiser/preset.js';

export type Beta = number | 'auto';

export type Contender =
  /** The product with a preset, which sets method, ensemble and scales. */
  | { readonly kind: 'preset'; readonly prior: string; readonly preset: Preset }
  /** One of the product's methods, without ensemble and scales. */
  | { readonly kind: 'product'; readonly prior: string; readonly method: Method; readonly beta?: Beta }
  /** The maximum itself: beta-MAP from the noisy picture to convergence, without the polish. */
  | { readonly kind: 'converged'; readonly prior: string; readonly beta: number }
  /** Another program: its results are read from a folder, or a function calls it. */
  | { readonly kind: 'given'; readonly name: string; readonly folder?: string };

const METHOD_NAMES = { 'beta-map': 'beta-MAP', 'posterior-mean': 'posterior mean' } as const;

/** The prior's name for display: a shipped one's name, or the folder as passed. */
export function priorName(prior: string): string {
  return prior.replace(/(?<=.)[/\\]+$/, '');
}

/** The contender's name without its beta. Contenders that differ only in beta share it. */
export function methodName(contender: Contender): string {
  if (contender.kind === 'given') return contender.name;
  const prior = priorName(contender.prior);
  if (contender.kind === 'preset') return `${prior}, ${contender.preset}`;
  if (contender.kind === 'converged') return `${prior}, beta-MAP at convergence`;
  return `${prior}, ${METHOD_NAMES[contender.method]}`;
}

export function betaOf(contender: Contender): Beta | undefined {
  return 'beta' in contender ? contender.beta : undefined;
}

export function contenderName(contender: Contender): string {
  const beta = betaOf(contender);
  if (beta === undefined) return methodName(contender);
  return `${methodName(contender)}, ${beta === 'auto' ? 'calibrated beta' : `beta ${beta}`}`;
}

/** How the product is asked for a contender's estimates. */
export function approachOptions(contender: Contender) {
  if (contender.kind === 'preset') return { preset: contender.preset };
  return { method: contender.kind === 'product' ? contender.method : ('beta-map' as const) };
}

/** Indices of contenders, in groups that differ only in beta. */
export function betaFamilies(contenders: readonly Contender[]): readonly (readonly number[])[] {
  const families = new Map<string, number[]>();
  for (const [at, contender] of contenders.entries()) {
    const key = `${contender.kind} ${methodName(contender)}`;
    families.set(key, [...(families.get(key) ?? []), at]);
  }
  return [...families.values()];
}
