// What is evaluated: a prior with a method and a beta, or another program's results. Data only.
import type { Method } from '../denoiser/denoiser.js';
import type { Preset } from '../denoiser/preset.js';

export type Beta = number | 'auto';

export type Contender =
  /** The product as anyone calls it: a preset, which is a method with an ensemble and scales. */
  | { readonly kind: 'preset'; readonly prior: string; readonly preset: Preset }
  /** One of its methods alone. */
  | { readonly kind: 'product'; readonly prior: string; readonly method: Method; readonly beta?: Beta }
  /** The maximum itself: beta-MAP from the noisy picture on until it stands still, without the polish. */
  | { readonly kind: 'converged'; readonly prior: string; readonly beta: number }
  /** Another program: its results are read from a folder, or it is called. */
  | { readonly kind: 'given'; readonly name: string; readonly folder?: string };

/** The prior as it is shown: a shipped one's name, or the folder as it was given. */
export function priorName(prior: string): string {
  return prior.replace(/(?<=.)[/\\]+$/, '');
}

/** What it is, without its beta: subjects that differ in beta only have one name. */
export function methodName(subject: Contender): string {
  switch (subject.kind) {
    case 'given':
      return subject.name;
    case 'converged':
      return `${priorName(subject.prior)}, beta-MAP at convergence`;
    case 'preset':
      return `${priorName(subject.prior)}, ${subject.preset}`;
    case 'product': {
      const method = subject.method === 'beta-map' ? 'beta-MAP' : 'posterior mean';
      return `${priorName(subject.prior)}, ${method}`;
    }
    default:
      return subject satisfies never;
  }
}

/** Whether it is called as the product: neither the maximum itself nor another program. */
export function isProduct({ kind }: Contender): boolean {
  return kind === 'product' || kind === 'preset';
}

export function betaOf(subject: Contender): Beta | undefined {
  return 'beta' in subject ? subject.beta : undefined;
}

/** What the beta is called beside a method's name; nothing where there is none. */
function betaName(beta: Beta | undefined): string {
  if (beta === undefined) return '';
  return beta === 'auto' ? 'calibrated beta' : `beta ${beta}`;
}

export function contenderName(subject: Contender): string {
  return [methodName(subject), betaName(betaOf(subject))].filter((part) => part !== '').join(', ');
}
